import { afterEach, describe, expect, test } from 'vitest';
import { createAnthropicProvider } from '../../../src/models/anthropic.ts';
import { ModelCallError } from '../../../src/models/classify.ts';
import type { ModelAnswer, ModelRequest } from '../../../src/models/provider.ts';
import type { Fault } from '../../../src/models/scripted/faults.ts';
import { type ScriptedModel, startScriptedModel } from '../../../src/models/scripted/server.ts';

/** Of the limit that is to be met, which the answer afterwards has to keep on a machine that does other things too. */
const SHORT_MS = 1_500;
/** Of a limit that is not to be met; nothing here may take so long. */
const LONG_MS = 5_000;

const REQUEST: ModelRequest = {
  model: 'claude-sonnet-5-5',
  maxOutputTokens: 100,
  system: 'Be brief.',
  tools: [],
  messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
  toolChoice: 'auto',
};

const started: ScriptedModel[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((model) => model.stop()));
});

async function meet(
  fault: Fault,
  code: string,
): Promise<{
  readonly outcome: ModelAnswer | ModelCallError;
  readonly tookMs: number;
  readonly model: ScriptedModel;
  readonly again: () => Promise<ModelAnswer>;
}> {
  const model = await startScriptedModel({
    conversations: [
      {
        id: 'one',
        opening: 'hello',
        steps: [
          { says: { text: 'One two three four five six.' }, usage: { inputTokens: 10, outputTokens: 7 } },
        ],
      },
    ],
  });
  started.push(model);
  model.inject(fault);
  const provider = createAnthropicProvider({
    apiKey: 'scripted',
    baseURL: model.url,
    stallTimeoutMs: code === 'model_stalled' ? SHORT_MS : LONG_MS,
    callTimeoutMs: code === 'model_timeout' ? SHORT_MS : LONG_MS,
  });
  const again = () => provider.complete(REQUEST, { signal: new AbortController().signal });
  const startedAtMs = performance.now();
  const outcome = await again().catch((error: unknown) => {
    if (error instanceof ModelCallError) return error;
    throw error;
  });
  return { outcome, tookMs: performance.now() - startedAtMs, model, again };
}

/** Bounded: the server sees the end within the loop's turns or the test fails. */
async function nothingUnderWay(model: ScriptedModel): Promise<void> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (model.underWay === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`${model.underWay} requests are still under way`);
}

const pings = { kind: 'drip', what: 'pings' } as const;
const bytes = { kind: 'drip', what: 'bytes' } as const;

describe('every fault ends in time, is one of our words, and says whether it may be billed', () => {
  test.each<readonly [name: string, fault: Fault, code: string, billed: 'no' | 'known' | 'unknown']>([
    ['a plain 500', { kind: 'http', status: 500 }, 'model_unavailable', 'no'],
    ['a plain 503', { kind: 'http', status: 503 }, 'model_unavailable', 'no'],
    ['overloaded', { kind: 'http', status: 529 }, 'model_overloaded', 'no'],
    ['silence after the headers', { kind: 'hang' }, 'model_stalled', 'unknown'],
    ['silence in the middle', { kind: 'hang', afterEvents: 3 }, 'model_stalled', 'known'],
    [
      'pings for ever, before anything was said',
      { ...pings, everyMs: 20, afterEvents: 0 },
      'model_timeout',
      'unknown',
    ],
    ['pings for ever', { ...pings, everyMs: 20 }, 'model_timeout', 'known'],
    ['pings too seldom', { ...pings, everyMs: 10_000 }, 'model_stalled', 'known'],
    ['a byte at a time', { ...bytes, everyMs: 20 }, 'model_timeout', 'known'],
    [
      'a byte at a time from the first on',
      { ...bytes, everyMs: 20, afterEvents: 0 },
      'model_timeout',
      'unknown',
    ],
    ['a byte now and then', { ...bytes, everyMs: 10_000 }, 'model_stalled', 'known'],
    ['bytes that are nothing', { kind: 'garbage' }, 'model_garbled', 'unknown'],
    ['bytes that are nothing, in the middle', { kind: 'garbage', afterEvents: 3 }, 'model_garbled', 'known'],
    ['a page of HTML', { kind: 'wrong_content_type' }, 'model_garbled', 'no'],
    ['a reset before the headers', { kind: 'reset', afterEvents: 0 }, 'model_unavailable', 'no'],
    ['a reset in the middle', { kind: 'reset', afterEvents: 3 }, 'model_unavailable', 'known'],
    ['half of a compressed answer', { kind: 'truncated_gzip' }, 'model_garbled', 'unknown'],
  ])('%s', async (_name, fault, code, billed) => {
    const { outcome, tookMs, model, again } = await meet(fault, code);
    if (!(outcome instanceof ModelCallError)) throw new Error('it was taken for an answer');
    expect(outcome.failure).toMatchObject({ kind: 'retryable', code });
    const { usage, accepted } = outcome;
    expect(usage === null ? (accepted ? 'unknown' : 'no') : 'known').toBe(billed);
    if (usage !== null) expect(usage).toMatchObject({ inputTokens: 10 });
    expect(tookMs).toBeLessThan(LONG_MS);
    await nothingUnderWay(model);
    // The same client is none the worse for it.
    expect((await again()).content).toMatchObject([{ text: 'One two three four five six.' }]);
    expect(model.problems).toEqual([]);
  });
});
