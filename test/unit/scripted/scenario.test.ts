import { describe, expect, test } from 'vitest';
import { loadScenario } from '../../../src/models/scripted/conversation.ts';
import { ask, open, resultsFor } from './helpers.ts';

const SCENARIO = {
  id: 'refund',
  opening: 'hello',
  landing: 'Landed.',
  steps: [
    {
      says: {
        thinking: 'Hm.',
        text: 'Looking.',
        calls: [{ id: 'c1', name: 'look', input: { a: [1, null] } }],
      },
      usage: { inputTokens: 1, outputTokens: 2 },
      delayMs: 0,
      faults: [
        { kind: 'http', status: 529, retryAfterSeconds: 1, times: 1 },
        { kind: 'slow', delayMs: 1, at: 'events' },
      ],
    },
    { sees: { results: [{ tool: 'look', isError: false, contains: 'x' }] }, says: { text: 'Bye.' } },
  ],
};

test('a scenario is read as it is written, and plays', async () => {
  const conversation = loadScenario(JSON.stringify(SCENARIO), 'refund.json');
  expect(conversation).toEqual(SCENARIO);
  const { client } = await open([
    { ...conversation, steps: conversation.steps.map(({ faults: _, ...step }) => step) },
  ]);
  const hello = { role: 'user' as const, content: 'hello' };
  const first = await ask(client, [hello]);
  const second = await ask(client, [
    hello,
    { role: 'assistant', content: first.content },
    resultsFor(first, 'x'),
  ]);
  expect(second.stop_reason).toBe('end_turn');
});

describe('an error names the file, the path and the rule', () => {
  const step = SCENARIO.steps[0];
  const withStep = (changed: object): string =>
    JSON.stringify({ ...SCENARIO, steps: [{ ...step, ...changed }] });
  test.each([
    ['not JSON', '{"id":', /^scenario a\.json: not JSON \(.*\); correct the file$/],
    ['no opening', JSON.stringify({ ...SCENARIO, opening: undefined }), /scenario a\.json: opening: /],
    [
      'blank opening',
      JSON.stringify({ ...SCENARIO, opening: ' ' }),
      /a\.json: opening: must hold more than white space/,
    ],
    ['no steps', JSON.stringify({ ...SCENARIO, steps: [] }), /a\.json: steps: /],
    ['unknown member', withStep({ say: 1 }), /steps\.0: .*"say"/],
    [
      'tool name',
      withStep({ says: { calls: [{ name: 'a b', input: {} }] } }),
      /steps\.0\.says\.calls\.0\.name: must be 1 to 64/,
    ],
    ['says nothing', withStep({ says: {} }), /steps\.0\.says: must hold a text, a call/],
    ['unknown fault', withStep({ faults: [{ kind: 'fire' }] }), /steps\.0\.faults\.0\.kind: /],
    [
      'a status that is no error',
      withStep({ faults: [{ kind: 'http', status: 200 }] }),
      /steps\.0\.faults\.0\.status: /,
    ],
    ['negative usage', withStep({ usage: { inputTokens: -1 } }), /steps\.0\.usage\.inputTokens: /],
    [
      'one call id twice',
      JSON.stringify({ ...SCENARIO, steps: [step, step] }),
      /steps\.1\.says\.calls\.0\.id: the id c1 is used twice/,
    ],
    [
      'half a character',
      withStep({ says: { text: 'x\ud83d' } }),
      /steps\.0\.says\.text: must not hold half a character/,
    ],
  ])('%s', (_name, text, says) => {
    expect(() => loadScenario(text, 'a.json')).toThrow(says);
  });
});
