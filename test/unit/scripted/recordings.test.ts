import type { MessageParam } from '@anthropic-ai/sdk/resources/messages';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { conversationFromRecording, type Recording } from '../../../src/models/scripted/conversation.ts';
import { apiError, ask, echo, open, sharedLines } from './helpers.ts';

const lines = sharedLines('retail/recordings.train.jsonl');
const toolLines = sharedLines('retail/tools.json');
const policy = sharedLines('retail/policy.md');

function recordings(): Recording[] {
  return (lines ?? []).map((line) => JSON.parse(line) as Recording);
}

function tools() {
  const { tools: all } = JSON.parse((toolLines ?? []).join('\n')) as {
    tools: { name: string; description: string; input_schema: { type: 'object' } & JsonObject }[];
  };
  return all.map(({ name, description, input_schema }) => ({ name, description, input_schema }));
}

describe.runIf(lines !== null)('recorded conversations', () => {
  test('all 74 play through the real client, answer for answer, with their usage', async () => {
    const all = recordings();
    const { client, model } = await open(all.map(conversationFromRecording));
    const options = { tools: tools(), system: (policy ?? []).join('\n') };
    let answers = 0;
    for (const recording of all) {
      const history: MessageParam[] = [];
      for (const turn of recording.turns) {
        if (turn.role === 'user') {
          history.push({ role: 'user', content: turn.content as never });
          continue;
        }
        const answer = await ask(client, history, options);
        answers += 1;
        expect(answer.content).toMatchObject(turn.content as never);
        expect(answer.content).toHaveLength(turn.content.length);
        expect(answer.stop_reason).toBe(turn.stop_reason);
        expect(answer.usage).toMatchObject({
          ...turn.usage,
          cache_read_input_tokens: 0,
          cache_creation_input_tokens: 0,
        });
        history.push(echo(answer));
      }
    }
    expect([all.length, answers, model.requests, model.problems]).toEqual([74, 644, 644, []]);
  }, 60_000);

  test('a client that answers another question than the recorded one is refused', async () => {
    const [recording] = recordings().map(conversationFromRecording);
    if (!recording) throw new Error('no recording');
    const { client } = await open([recording]);
    const options = { tools: tools() };
    const opening: MessageParam = { role: 'user', content: recording.opening };
    const first = await ask(client, [opening], options);
    const call = first.content.find((block) => block.type === 'tool_use');
    if (call?.type !== 'tool_use') throw new Error('the first recorded answer makes a call');
    const result = { type: 'tool_result' as const, tool_use_id: call.id, content: 'x' };
    const second = await ask(client, [opening, echo(first), { role: 'user', content: [result] }], options);
    const error = await apiError(
      ask(
        client,
        [
          opening,
          echo(first),
          { role: 'user', content: [result] },
          echo(second),
          { role: 'user', content: 'no' },
        ],
        options,
      ),
    );
    expect(error.apiMessage).toContain('step 2: expected a user text with');
  });
});

describe('a recording that is not one is refused', () => {
  const answer = {
    role: 'assistant' as const,
    content: [],
    stop_reason: 'end_turn',
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  const text = { role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] };
  test.each([
    ['empty', [], /r1: must begin with a user text/],
    ['begins with an answer', [answer], /r1: must begin with a user text/],
    ['two answers in a row', [text, answer, answer, answer], /r1: turn 2: roles must alternate/],
  ])('%s', (_name, turns, says) => {
    expect(() => conversationFromRecording({ id: 'r1', turns })).toThrow(says);
  });
});
