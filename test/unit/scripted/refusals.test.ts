import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, test } from 'vitest';
import { isJsonArray, isJsonObject } from '../../../src/models/scripted/wire.ts';
import { apiError, ask, clientOf, echo, open, resultsFor, TOOLS } from './helpers.ts';
import { PLANTED } from './planted.ts';

const HELLO = {
  id: 'hello',
  opening: 'hello',
  steps: [
    { says: { thinking: 'They greet me.', text: 'Looking.', calls: [{ name: 'look', input: { q: 1 } }] } },
    { says: { text: 'Seen.' } },
    { says: { text: 'Bye.' } },
  ],
};

describe('the real client is refused', () => {
  test.each(PLANTED)('$rule', async ({ body, says }) => {
    const { model, client } = await open([HELLO]);
    // The client itself stumbles over tools that are no list, so such a body goes past its typed method.
    const sendable = isJsonObject(body) && (body.tools === undefined || isJsonArray(body.tools));
    const error = await apiError(
      sendable
        ? client.messages.create(body as never, { timeout: 10_000 })
        : client.post('/v1/messages', { body: body as object }),
    );
    expect(error.apiMessage).toMatch(says);
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.type).toBe('invalid_request_error');
    expect(error.requestID).toMatch(/^req_/);
    expect(model.problems).toHaveLength(1);
  });

  test('with the wrong key', async () => {
    const { model } = await open([HELLO]);
    const client = new Anthropic({ baseURL: model.url, apiKey: 'other', maxRetries: 0 });
    const error = await apiError(ask(client, [{ role: 'user', content: 'hello' }]));
    expect(error).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(error.apiMessage).toContain('invalid bearer token');
  });

  test('with the key in the header of older versions', async () => {
    const { model } = await open([HELLO]);
    const client = new Anthropic({
      baseURL: model.url,
      apiKey: 'scripted',
      maxRetries: 0,
      defaultHeaders: { authorization: null, 'x-api-key': 'scripted' },
    });
    const error = await apiError(ask(client, [{ role: 'user', content: 'hello' }]));
    expect([error.status, error.type]).toEqual([401, 'authentication_error']);
    expect(error.apiMessage).toContain('authorization: header is required');
  });

  test.each([
    ['2023-06-01', 'anthropic-version: "2023-06-01" is not a valid version'],
    [null, 'anthropic-version: header is required'],
  ])('with the version %s', async (version, says) => {
    const { model } = await open([HELLO]);
    const client = clientOf(model).withOptions({ defaultHeaders: { 'anthropic-version': version } });
    const error = await apiError(ask(client, [{ role: 'user', content: 'hello' }]));
    expect(error.status).toBe(400);
    expect(error.apiMessage).toContain(says);
  });

  test('for a model that does not exist', async () => {
    const { client } = await open([HELLO]);
    const error = await apiError(
      client.messages.create({
        model: 'claude-9',
        max_tokens: 1,
        messages: [{ role: 'user', content: 'x' }],
      }),
    );
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
    expect(error.apiMessage).toContain('model: claude-9');
  });

  test('for a body over 32 MB', async () => {
    const { client } = await open([HELLO]);
    const error = await apiError(ask(client, [{ role: 'user', content: 'x'.repeat(33 * 1024 * 1024) }]));
    expect([error.status, error.type]).toEqual([413, 'request_too_large']);
  });
});

describe('a body that is not JSON is refused', () => {
  test.each([
    ['cut short', Buffer.from('{"model":')],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['empty', Buffer.alloc(0)],
  ])('%s', async (_name, body) => {
    const { model } = await open([HELLO]);
    const headers = { authorization: 'Bearer scripted', 'anthropic-version': '2026-10-21' };
    const reply = await fetch(`${model.url}/v1/messages`, { method: 'POST', headers, body });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringContaining('not valid JSON') },
      request_id: reply.headers.get('request-id'),
    });
  });
});

describe('a thinking block binds everything before it', () => {
  const opening = { role: 'user' as const, content: 'hello' };

  async function afterOneStep() {
    const { client } = await open([HELLO]);
    const first = await ask(client, [opening], { system: 'You help.' });
    const results = resultsFor(first, 'seen');
    return { client, first, results, messages: [opening, echo(first), results] };
  }

  test('unchanged, it is accepted; so are moved cache markers and text in blocks', async () => {
    const { client, first, results } = await afterOneStep();
    const marker = { type: 'ephemeral' as const };
    const marked = [
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'hello', cache_control: marker }] },
      echo(first),
      results,
    ];
    const answer = await client.messages.create({
      model: 'claude-sonnet-5-5',
      max_tokens: 10,
      system: [{ type: 'text', text: 'You help.', cache_control: marker }],
      tools: TOOLS.map((tool) => ({ ...tool, cache_control: marker })),
      messages: marked,
    });
    expect(answer.content).toMatchObject([{ text: 'Seen.' }]);
  });

  test.each([
    ['system', { system: 'You help!' }],
    ['no system', {}],
    ['tool description', { system: 'You help.', tools: [{ ...TOOLS[0], description: 'Gazes.' }, TOOLS[1]] }],
    ['tool order', { system: 'You help.', tools: [...TOOLS].reverse() }],
  ])('changed %s is refused', async (_name, changed) => {
    const { client, messages } = await afterOneStep();
    const error = await apiError(ask(client, messages, changed as never));
    expect(error.status).toBe(400);
    expect(error.apiMessage).toContain('bound to a different conversation');
  });

  test('a changed earlier message is refused', async () => {
    const { client, first, results } = await afterOneStep();
    const changed = [{ role: 'user' as const, content: 'hello ' }, echo(first), results];
    const error = await apiError(ask(client, changed, { system: 'You help.' }));
    expect(error.apiMessage).toContain('bound to a different conversation');
  });

  test('a changed thought is refused', async () => {
    const { client, first, results } = await afterOneStep();
    const content = first.content.map((block) =>
      block.type === 'thinking' ? { ...block, thinking: 'Other.' } : block,
    );
    const error = await apiError(
      ask(client, [opening, { role: 'assistant', content }, results], { system: 'You help.' }),
    );
    expect(error.apiMessage).toContain('cannot be modified');
  });

  test('a foreign signature is refused, and so is a dropped thought', async () => {
    const { client, first, results } = await afterOneStep();
    const forged = first.content.map((block) =>
      block.type === 'thinking' ? { ...block, signature: 'AAAA' } : block,
    );
    const error = await apiError(
      ask(client, [opening, { role: 'assistant', content: forged }, results], { system: 'You help.' }),
    );
    expect(error.apiMessage).toContain('Invalid `signature` in `thinking` block');
    const dropped = first.content.filter((block) => block.type !== 'thinking');
    const other = await apiError(
      ask(client, [opening, { role: 'assistant', content: dropped }, results], { system: 'You help.' }),
    );
    expect(other.apiMessage).toContain('messages.1 is not what was answered at step 0');
  });
});
