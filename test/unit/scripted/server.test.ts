import { describe, expect, test } from 'vitest';
import { KNOWN_MODELS } from '../../../src/models/scripted/models.ts';
import { startScriptedModel } from '../../../src/models/scripted/server.ts';
import { apiError, ask, clientOf, open, rejection } from './helpers.ts';

const HELLO = { role: 'user' as const, content: 'hello' };
const ONE = { id: 'one', opening: 'hello', steps: [{ says: { text: 'Hi.' } }] };

describe('models', () => {
  test('are listed and retrieved by the real client', async () => {
    const { client } = await open([]);
    const page = await client.models.list();
    expect(page.data.map((model) => model.id)).toEqual(KNOWN_MODELS);
    expect(await client.models.retrieve('claude-haiku-4-5')).toMatchObject({
      max_tokens: 64_000,
      lifecycle: 'active',
    });
    expect((await apiError(client.models.retrieve('claude-9'))).status).toBe(404);
  });

  test('can be chosen', async () => {
    const { client } = await open([ONE], { models: ['mine'] });
    const answer = await client.messages.create({ model: 'mine', max_tokens: 1, messages: [HELLO] });
    expect(answer.model).toBe('mine');
    expect((await apiError(ask(client, [HELLO]))).status).toBe(404);
  });
});

describe('counting', () => {
  test('needs no script, grows with the request, and is as strict', async () => {
    const { client } = await open([]);
    const count = (content: string) =>
      client.messages.countTokens({ model: 'claude-sonnet-5-5', messages: [{ role: 'user', content }] });
    const [short, long] = [await count('x'), await count('x'.repeat(401))];
    expect(long.input_tokens - short.input_tokens).toBe(100);
    expect((await apiError(count(' '))).apiMessage).toContain('non-whitespace');
  });
});

test.each([
  ['GET', '/v1/messages'],
  ['POST', '/v1/complete'],
  ['GET', '/'],
  ['DELETE', '/v1/models/x'],
])('%s %s does not exist', async (method, path) => {
  const { model } = await open([]);
  const headers = { authorization: 'Bearer scripted', 'anthropic-version': '2026-10-21' };
  const reply = await fetch(`${model.url}${path}`, {
    method,
    headers,
    ...(method === 'POST' ? { body: '{}' } : {}),
  });
  expect(reply.status).toBe(404);
  expect(await reply.json()).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
});

test('keeps the last 1,000 problems', async () => {
  const { model } = await open([]);
  for (let index = 0; index < 1_005; index += 1)
    await (await fetch(`${model.url}/v1/models/${index}`)).arrayBuffer();
  expect(model.problems).toHaveLength(1_000);
});

test('many clients at once each get their own conversation', async () => {
  const conversations = Array.from({ length: 50 }, (_, n) => ({
    id: `c${n}`,
    opening: `open ${n}`,
    steps: [{ says: { text: `answer ${n}` } }],
  }));
  const { client } = await open(conversations);
  const answers = await Promise.all(
    conversations.map(({ opening }) => ask(client, [{ role: 'user', content: opening }])),
  );
  answers.forEach((answer, n) => {
    expect(answer.content).toMatchObject([{ text: `answer ${n}` }]);
  });
});

describe('stopping', () => {
  test('closes what is open, leaves nothing listening, and may be repeated', async () => {
    const model = await startScriptedModel({ conversations: [ONE] });
    model.inject({ kind: 'hang', afterEvents: 2 });
    const stream = clientOf(model).messages.stream({
      model: 'claude-sonnet-5-5',
      max_tokens: 1,
      messages: [HELLO],
    });
    const ended = rejection(stream.finalMessage());
    await new Promise((resolve) => stream.once('streamEvent', resolve));
    await Promise.all([model.stop(), model.stop()]);
    expect(await ended).toBeInstanceOf(Error);
    expect(model.aborted).toBe(0);
    await expect(fetch(model.url)).rejects.toThrow('fetch failed');
    await model.stop();
  });

  test('frees the port; a taken one is refused', async () => {
    const first = await startScriptedModel({ conversations: [] });
    const port = Number(new URL(first.url).port);
    await expect(startScriptedModel({ conversations: [], port })).rejects.toThrow('EADDRINUSE');
    await first.stop();
    const second = await startScriptedModel({ conversations: [], port });
    await second.stop();
    expect(second.url).toBe(first.url);
  });

  test('two conversations with one opening are refused at the start', async () => {
    await expect(startScriptedModel({ conversations: [ONE, { ...ONE, id: 'two' }] })).rejects.toThrow(
      /same opening/,
    );
  });
});
