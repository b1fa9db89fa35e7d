import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import type { RunToolInput } from '../../src/activities/types.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { Guards } from '../../src/guards/subjects.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { publishRelease } from '../../src/store/releases.ts';
import { liftSwitch, setSwitch } from '../../src/store/switches.ts';
import { type CheckResult, failed, notFound, success, type ToolResult } from '../../src/tools/result.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { until } from '../e2e/lab.ts';
import { effectTool, labAgent, readTool } from '../e2e/labAgent.ts';
import {
  type Bench,
  effectOf,
  evidenceKinds,
  newCall,
  openBench,
  passTime,
  retried,
  wordsOf,
} from './bench.ts';
import { approvalOf, approved, openApprovals, stateOf } from './claimInputs.ts';

const TIMEOUT_MS = 100;
const LEASE_MS = TIMEOUT_MS + LIMITS.activityOverheadMs + LIMITS.leaseMarginMs;
const SETTLES_MS = 60_000;

/** What the next calls of the tool do, and what the outside world saw of them. */
type Script = (context: ToolContext<unknown>) => Promise<ToolResult> | ToolResult;
let scripts: Script[] = [];
let keys: string[] = [];
let check: () => Promise<CheckResult> = async () => ({ kind: 'did_not' });
let checks = 0;
let readTerms: () => Promise<JsonObject> = async () => ({ price: 1 });

const run = (_: unknown, context: ToolContext<unknown>) => {
  keys.push(context.idempotencyKey);
  const next = scripts.shift();
  if (next === undefined) throw new Error('the test did not expect another attempt');
  return next(context);
};
const common = { timeoutMs: TIMEOUT_MS };
const agent = labAgent([
  effectTool('keyed', run, { ...common, replay: 'keyed' }),
  effectTool('checkable', run, {
    ...common,
    replay: 'checkable',
    settlesWithinMs: SETTLES_MS,
    check: () => {
      checks++;
      return check();
    },
  }),
  effectTool('never', run, { ...common, replay: 'never' }),
  effectTool('priced', run, { ...common, terms: () => readTerms() }),
  readTool('look', run),
]);

const acts: Script = () => success('done once');
const throws: Script = () => {
  throw new Error('the wire broke');
};
const refuses: Script = () => failed('no such order', { suggestion: 'Ask for the number.' });
const unreachable: Script = () => failed('could not connect', { retryable: true });

/** A tool that does not hear its signal and ends when the test says so. */
function hangs(): { readonly script: Script; readonly end: (result: ToolResult) => void } {
  let end: (result: ToolResult) => void = () => undefined;
  const ended = new Promise<ToolResult>((resolve) => {
    end = resolve;
  });
  return { script: () => ended, end };
}

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [agent] });
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  scripts = [];
  keys = [];
  checks = 0;
});

const attempt = (input: RunToolInput, number = 1) =>
  bench.attempt((activities) => activities.runTool(input), { number });
const close = (input: RunToolInput) => retried(bench, input, (activities) => activities.closeEffect(input));
const play = (input: RunToolInput) => retried(bench, input, (activities) => activities.runTool(input));
const incidents = async (input: RunToolInput) => {
  const audit = await readAudit(bench.sql, input.run);
  expect(firstBrokenRow(input.run, audit)).toBeNull();
  return audit.filter((row) => row.event.startsWith('incident')).map((row) => row.event);
};

describe('a tool that throws may have acted', () => {
  test('keyed: it runs again with the same idempotency key', async () => {
    const input = await newCall(bench, agent, 'keyed');
    scripts = [throws, acts];
    const { result, failures } = await play(input);
    expect(await wordsOf(bench, input, result)).toBe('done once');
    expect(failures).toEqual(['tool_failed']);
    expect(keys).toEqual([input.key, input.key]);
    expect(await effectOf(bench, input)).toEqual({ state: 'applied', fence: 2, generation: 1 });
  });

  test('keyed, to the last attempt: nobody knows', async () => {
    const input = await newCall(bench, agent, 'keyed');
    scripts = [throws, throws, throws];
    expect((await play(input)).result).toMatchObject({ kind: 'unknown' });
    expect((await effectOf(bench, input))?.state).toBe('unknown');
  });

  test('keyed: a later attempt that surely did not act does not speak for the lost one', async () => {
    const input = await newCall(bench, agent, 'keyed');
    scripts = [throws, unreachable, unreachable];
    const { result } = await play(input);
    expect(result.kind).toBe('unknown');
    expect(result).toMatchObject({ evidence: expect.stringContaining('keyed') });
  });

  test.each<[string, Script]>([
    ['refuses for good', refuses],
    ['finds nothing', () => notFound('no such order')],
  ])('keyed, and the next attempt %s: it does not speak for the lost one either', async (_, says) => {
    const input = await newCall(bench, agent, 'keyed');
    scripts = [throws, says];
    const { result } = await play(input);
    expect(result).toMatchObject({ kind: 'unknown', evidence: expect.stringContaining('keyed') });
    expect((await effectOf(bench, input))?.state).toBe('unknown');
  });

  test('keyed, and the late word of the next attempt is a refusal: nobody knows', async () => {
    const input = await newCall(bench, agent, 'keyed');
    const slow = hangs();
    scripts = [throws, slow.script];
    await expect(attempt(input)).rejects.toMatchObject({ type: 'tool_failed' });
    await expect(attempt(input, 2)).rejects.toMatchObject({ type: 'tool_failed' });
    slow.end(failed('no such order'));
    await until('the late word', async () =>
      (await readAudit(bench.sql, input.run)).some(({ facts }) => facts.includes('"late": true')),
    );
    expect((await close(input)).result.kind).toBe('unknown');
  });

  test('checkable, and the check says it did not: a refusal after that speaks for itself', async () => {
    const input = await newCall(bench, agent, 'checkable');
    check = async () => ({ kind: 'did_not' });
    scripts = [throws, refuses];
    const { result } = await play(input);
    expect(await wordsOf(bench, input, result)).toContain('no such order');
    expect((await effectOf(bench, input))?.state).toBe('refused');
  });

  test('never: it is not run again, and a person is asked with the evidence', async () => {
    const input = await newCall(bench, agent, 'never');
    scripts = [throws];
    const { result, failures } = await play(input);
    expect(result).toMatchObject({ kind: 'unknown', evidence: expect.stringContaining('never (never)') });
    expect(failures).toEqual([]);
    expect((await play(input)).result.kind).toBe('unknown');
    expect(keys).toHaveLength(1);
  });

  test('checkable, and the check says it happened: its result is the result, and nothing runs again', async () => {
    const input = await newCall(bench, agent, 'checkable');
    check = async () => ({ kind: 'happened', result: success('found it') });
    scripts = [throws];
    const { result } = await play(input);
    expect(await wordsOf(bench, input, result)).toBe('found it');
    expect(result).toMatchObject({ applied: true });
    expect(keys).toHaveLength(1);
    expect(await evidenceKinds(bench, input)).toEqual(['check_happened']);
    expect(await incidents(input)).toEqual([]);
  });

  test('checkable, and the check says it did not: it runs again, but not before an act would show', async () => {
    const input = await newCall(bench, agent, 'checkable');
    check = async () => ({ kind: 'did_not' });
    scripts = [throws, acts];
    await expect(attempt(input)).rejects.toMatchObject({ type: 'tool_failed' });
    const early = await attempt(input, 2).catch((error: unknown) => error);
    expect(early).toMatchObject({ type: 'lease_busy' });
    const waitMs = Number((early as { nextRetryDelay: number }).nextRetryDelay);
    expect(waitMs).toBeGreaterThan(SETTLES_MS - 5_000);
    expect(waitMs).toBeLessThanOrEqual(SETTLES_MS + 50);
    expect(checks).toBe(0);
    await passTime(bench, input.run, waitMs);
    expect(await wordsOf(bench, input, await attempt(input, 3))).toBe('done once');
    expect([checks, keys.length]).toEqual([1, 2]);
  });

  test.each([
    [
      'cannot tell',
      async (): Promise<CheckResult> => ({ kind: 'cannot_tell', reason: 'half \ud800 a \u0000 log' }),
    ],
    ['throws', () => Promise.reject(new Error('no'))],
    ['hangs', () => new Promise<CheckResult>(() => undefined)],
    ['answers nonsense', async () => undefined as never],
  ])('checkable, and the check %s: nobody knows, and nothing runs again', async (_, how) => {
    const input = await newCall(bench, agent, 'checkable');
    check = how;
    scripts = [throws];
    expect((await play(input)).result.kind).toBe('unknown');
    expect(keys).toHaveLength(1);
  });
});

describe('a tool that says "failed, try again" did not act', () => {
  test.each(['keyed', 'checkable', 'never'])('%s: twice, then it works', async (tool) => {
    const input = await newCall(bench, agent, tool);
    scripts = [unreachable, unreachable, acts];
    const { result, failures, waitsMs } = await play(input);
    expect(result).toMatchObject({ kind: 'done', applied: true });
    expect(failures).toEqual(['tool_failed', 'tool_failed']);
    expect(waitsMs).toEqual([LIMITS.toolBackoffFirstMs, 2 * LIMITS.toolBackoffFirstMs]);
    expect(checks).toBe(0);
    expect(await effectOf(bench, input)).toEqual({ state: 'applied', fence: 3, generation: 1 });
  });

  test.each(['keyed', 'checkable', 'never'])(
    '%s: to the last attempt, it is refused in its words',
    async (tool) => {
      const input = await newCall(bench, agent, tool);
      scripts = [unreachable, unreachable, unreachable];
      const { result } = await play(input);
      expect(result).toMatchObject({ kind: 'done', applied: false, outcome: { status: 'failed' } });
      expect(await wordsOf(bench, input, result)).toBe('Error: could not connect');
      expect((await effectOf(bench, input))?.state).toBe('refused');
    },
  );

  test('words that the database would not take do not make a clean failure an unknown one', async () => {
    const input = await newCall(bench, agent, 'never');
    scripts = [() => failed('half \ud800 of a \u0000 word', { retryable: true }), acts];
    expect((await play(input)).result).toMatchObject({ kind: 'done', applied: true });
  });

  test('a refusal for good is final: a later attempt gets it again and nothing runs', async () => {
    const input = await newCall(bench, agent, 'keyed');
    scripts = [refuses];
    const first = await attempt(input);
    expect(await wordsOf(bench, input, first)).toBe('Error: no such order\nAsk for the number.');
    const second = await attempt(input, 2);
    expect(await wordsOf(bench, input, second)).toBe(await wordsOf(bench, input, first));
    expect(keys).toHaveLength(1);
  });
});

describe('a tool that runs out of its time', () => {
  test('keeps its lease while it still runs, and its late word settles the effect: nothing runs again', async () => {
    const input = await newCall(bench, agent, 'keyed');
    const slow = hangs();
    scripts = [slow.script];
    await expect(attempt(input)).rejects.toMatchObject({ type: 'tool_failed' });
    const busy = await attempt(input, 2).catch((error: unknown) => error);
    expect(busy).toMatchObject({ type: 'lease_busy' });
    expect(Number((busy as { nextRetryDelay: number }).nextRetryDelay)).toBeGreaterThan(LEASE_MS - 5_000);
    slow.end(success('done late'));
    await until('the late word', async () => (await effectOf(bench, input))?.state === 'applied');
    expect(await wordsOf(bench, input, await attempt(input, 3))).toBe('done late');
    expect(keys).toHaveLength(1);
    expect(await incidents(input)).toEqual([]);
  });

  test('and acts after another attempt has: its word is evidence and an incident, and changes nothing', async () => {
    const input = await newCall(bench, agent, 'keyed');
    const slow = hangs();
    scripts = [slow.script, () => success('the second')];
    const { result } = await play(input);
    expect(await wordsOf(bench, input, result)).toBe('the second');
    const before = await effectOf(bench, input);
    slow.end(success('the first, late'));
    await until('the evidence', async () => (await evidenceKinds(bench, input)).length > 0);
    expect(await evidenceKinds(bench, input)).toEqual(['late_applied']);
    expect(await incidents(input)).toEqual(['incident_second_applied']);
    expect(await effectOf(bench, input)).toEqual(before);
    expect(await wordsOf(bench, input, await attempt(input, 9))).toBe('the second');
  });

  test('never: it is unknown at once; a late "done" is evidence, and "did not" by one who has not seen it is asked again', async () => {
    const input = await newCall(bench, agent, 'never');
    const slow = hangs();
    scripts = [slow.script, acts];
    expect((await attempt(input)).kind).toBe('unknown');
    slow.end(success('done late'));
    await until('the evidence', async () => (await evidenceKinds(bench, input)).length > 0);
    expect((await effectOf(bench, input))?.state).toBe('unknown');
    const again = await attempt({ ...input, generation: 2 });
    expect(again).toMatchObject({ kind: 'unknown', evidence: expect.stringContaining('late_applied') });
    expect(keys).toHaveLength(1);
    // Who has seen it and still says so is believed.
    expect(await attempt({ ...input, generation: 3 })).toMatchObject({ kind: 'done', applied: true });
    expect(await effectOf(bench, input)).toEqual({ state: 'applied', fence: 2, generation: 3 });
  });

  test('checkable: the check comes only after the lease and the time to show', async () => {
    const input = await newCall(bench, agent, 'checkable');
    const slow = hangs();
    check = async () => ({ kind: 'happened', result: success('found it') });
    scripts = [slow.script];
    const { result, waitsMs } = await play(input);
    expect(await wordsOf(bench, input, result)).toBe('found it');
    const waitedMs = waitsMs.reduce((sum, ms) => sum + ms, 0);
    expect(waitedMs).toBeGreaterThan(LEASE_MS + SETTLES_MS - 5_000);
    // The same act, told twice: no incident.
    slow.end(success('done late'));
    await until('the evidence', async () => (await evidenceKinds(bench, input)).length > 1);
    expect(await incidents(input)).toEqual([]);
  });

  test('a tool that hears its signal gives the lease back at once', async () => {
    const input = await newCall(bench, agent, 'keyed');
    const hears: Script = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    scripts = [hears, acts];
    const { result, failures } = await play(input);
    expect(result).toMatchObject({ kind: 'done', applied: true });
    expect(failures).toEqual(['tool_failed']);
  });

  test('a word that comes just after the signal still counts', async () => {
    const input = await newCall(bench, agent, 'never');
    const rollsBack: Script = ({ signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(failed('rolled back'))));
    scripts = [rollsBack];
    const result = await attempt(input);
    expect(await wordsOf(bench, input, result)).toBe('Error: rolled back');
  });

  test('a cancellation does not cut an effect off half-way: its word is waited for', async () => {
    const input = await newCall(bench, agent, 'never');
    const stop = new AbortController();
    const heard: boolean[] = [];
    scripts = [
      async ({ signal }) => {
        stop.abort();
        await Promise.resolve();
        heard.push(signal.aborted);
        return success('done all the same');
      },
    ];
    const result = await bench.attempt((activities) => activities.runTool(input), { signal: stop.signal });
    expect(await wordsOf(bench, input, result)).toBe('done all the same');
    expect(heard).toEqual([true]);
  });
});

describe('an attempt that was frozen after its claim', () => {
  const FROZEN_MS = TIMEOUT_MS + LIMITS.activityOverheadMs;
  afterEach(() => {
    vi.restoreAllMocks();
  });
  /** The process wakes this much later; the database's clock goes on by itself. */
  const freeze = (ms: number) => {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
  };

  test.each(['keyed', 'checkable', 'never'])(
    '%s: does not begin when its time is over; the next one simply runs',
    async (tool) => {
      const input = await newCall(bench, agent, tool);
      scripts = [acts];
      const crashPoint = async (name: string) => {
        if (name === 'effect:after-claim') freeze(FROZEN_MS);
      };
      const work = bench.attempt((activities) => activities.runTool(input), { crashPoint });
      await expect(work).rejects.toMatchObject({ type: 'tool_failed' });
      expect(keys).toEqual([]);
      vi.restoreAllMocks();
      expect((await play(input)).result).toMatchObject({ kind: 'done', applied: true });
      expect([keys.length, checks]).toEqual([1, 0]);
    },
  );

  test('does not begin after a check that took all its time', async () => {
    const input = await newCall(bench, agent, 'checkable');
    check = async () => {
      freeze(FROZEN_MS);
      return { kind: 'did_not' };
    };
    scripts = [throws, acts];
    await expect(attempt(input)).rejects.toMatchObject({ type: 'tool_failed' });
    await passTime(bench, input.run, LEASE_MS + SETTLES_MS);
    await expect(attempt(input, 2)).rejects.toMatchObject({ type: 'tool_failed' });
    expect([keys.length, checks]).toEqual([1, 1]);
    vi.restoreAllMocks();
    expect(await wordsOf(bench, input, await attempt(input, 3))).toBe('done once');
    expect([keys.length, checks]).toEqual([2, 1]);
  });
});

describe('closing an effect whose activity has failed for good', () => {
  test('nothing was claimed: void, and an attempt that comes later does not run', async () => {
    const input = await newCall(bench, agent, 'keyed');
    expect(await wordsOf(bench, input, (await close(input)).result)).toContain('Not done');
    expect(await wordsOf(bench, input, await attempt(input))).toContain('Not done');
    expect(keys).toEqual([]);
  });

  test('it was settled: that is said, also by a second closing', async () => {
    const input = await newCall(bench, agent, 'never');
    scripts = [acts];
    await attempt(input);
    for (let i = 0; i < 2; i++)
      expect(await wordsOf(bench, input, (await close(input)).result)).toBe('done once');
  });

  test.each(['keyed', 'never'])(
    '%s, lost in the middle: the lease is waited out, then nobody knows',
    async (tool) => {
      const input = await newCall(bench, agent, tool);
      await dieAfterClaim(input);
      const { result, waitsMs } = await close(input);
      expect(result.kind).toBe('unknown');
      expect(waitsMs).toHaveLength(1);
      expect(waitsMs[0]).toBeGreaterThan(LEASE_MS - 5_000);
    },
  );

  test('keyed, lost, then "did not" of the next: still nobody knows', async () => {
    const input = await newCall(bench, agent, 'keyed');
    scripts = [throws, unreachable];
    await expect(attempt(input)).rejects.toMatchObject({ type: 'tool_failed' });
    await expect(attempt(input, 2)).rejects.toMatchObject({ type: 'tool_failed' });
    expect((await close(input)).result.kind).toBe('unknown');
  });

  test('it said that it did not act: void at once', async () => {
    const input = await newCall(bench, agent, 'never');
    scripts = [unreachable];
    await expect(attempt(input)).rejects.toMatchObject({ type: 'tool_failed' });
    const { result, waitsMs } = await close(input);
    expect(await wordsOf(bench, input, result)).toContain('nothing happened');
    expect(waitsMs).toEqual([]);
  });

  test.each<[CheckResult, string, string]>([
    [{ kind: 'happened', result: success('found it') }, 'applied', 'found it'],
    [{ kind: 'did_not' }, 'void', 'nothing happened'],
    [{ kind: 'cannot_tell', reason: 'no log' }, 'unknown', 'unknown'],
  ])('checkable: one last look decides (%o -> %s)', async (found, state, words) => {
    const input = await newCall(bench, agent, 'checkable');
    await dieAfterClaim(input);
    check = async () => found;
    const { result, waitsMs } = await close(input);
    expect(await wordsOf(bench, input, result)).toContain(words);
    expect((await effectOf(bench, input))?.state).toBe(state);
    expect(waitsMs[0]).toBeGreaterThan(LEASE_MS + SETTLES_MS - 5_000);
    expect([checks, keys.length]).toEqual([1, 0]);
  });

  test('checkable, and no worker has the code that could look: a person is asked after a bounded wait', async () => {
    const input = await newCall(bench, agent, 'checkable');
    await dieAfterClaim(input);
    const elsewhere = (number: number) =>
      bench.attempt((activities) => activities.closeEffect(input), { number, agents: [] });
    await passTime(bench, input.run, LEASE_MS + SETTLES_MS);
    await expect(elsewhere(2)).rejects.toMatchObject({ type: 'release_not_here', nonRetryable: false });
    await passTime(bench, input.run, LEASE_MS + SETTLES_MS);
    expect((await elsewhere(LIMITS.releaseAttempts)).kind).toBe('unknown');
  });

  /** The process is gone between the claim and the act. */
  async function dieAfterClaim(input: RunToolInput): Promise<void> {
    const dead = bench.attempt((activities) => activities.runTool(input), {
      crashPoint: async (point) => {
        if (point === 'effect:after-claim') throw new Error('killed');
      },
    });
    await expect(dead).rejects.toMatchObject({ type: 'bug' });
    expect((await effectOf(bench, input))?.state).toBe('claimed');
  }
});

describe('what a person is asked about', () => {
  test.each(['runTool', 'closeEffect'] as const)(
    'the key with other arguments (%s): it never runs, and a person sees both and what stands',
    async (activity) => {
      const input = await newCall(bench, agent, 'keyed');
      scripts = [acts];
      await attempt(input);
      const other = await newCall(bench, agent, 'keyed', { what: 'y' });
      const mixed = { ...input, run: other.run, argsHash: other.argsHash };
      const result = await bench.attempt((activities) => activities[activity](mixed));
      expect(result).toMatchObject({ kind: 'unknown' });
      const evidence = result.kind === 'unknown' ? result.evidence : '';
      expect(evidence).toContain(`came with arguments ${other.argsHash} and was not run`);
      expect(evidence).toContain(`on record with arguments ${input.argsHash}, which are applied`);
      expect(keys).toHaveLength(1);
      expect((await effectOf(bench, input))?.state).toBe('applied');
      expect((await readAudit(bench.sql, other.run)).map((row) => row.event)).toEqual(['effect_mismatch']);
    },
  );
});

describe('what stops an effect before it starts', () => {
  test('a switch: the run hears which, and the same call runs when it is lifted', async () => {
    const change = { name: 'tool:never', by: 'boss', reason: 'audit today' };
    await setSwitch(bench.sql, change);
    const input = await newCall(bench, agent, 'never');
    expect(await attempt(input)).toMatchObject({ kind: 'held', name: 'tool:never' });
    expect(keys).toEqual([]);
    await liftSwitch(bench.sql, change);
    scripts = [acts];
    expect(await attempt(input)).toMatchObject({ kind: 'done', applied: true });
  });

  test('changed terms stop a call that nobody was asked about; it runs once it was prepared again', async () => {
    const input = { ...(await newCall(bench, agent, 'priced')), terms: { price: 1 } };
    readTerms = async () => ({ price: 2 });
    expect((await attempt(input)).kind).toBe('stale');
    // One whose terms could not be read when it was prepared is prepared again as well.
    expect((await attempt({ ...input, terms: null })).kind).toBe('stale');
    expect(keys).toEqual([]);
    expect(await effectOf(bench, input)).toBeUndefined();
    scripts = [acts];
    expect(await attempt({ ...input, terms: { price: 2 } })).toMatchObject({ kind: 'done', applied: true });
  });

  test('terms that change all the time give the call up, and nothing may run it any more', async () => {
    const input = { ...(await newCall(bench, agent, 'priced')), terms: { price: 1 } };
    readTerms = async () => ({ price: 2 });
    const kinds: string[] = [];
    for (let i = 1; i < LIMITS.staleClaims; i++) kinds.push((await attempt(input)).kind);
    expect(new Set(kinds)).toEqual(new Set(['stale']));
    expect(await wordsOf(bench, input, await attempt(input))).toContain('has changed since');
    expect((await effectOf(bench, input))?.state).toBe('void');
    expect(await wordsOf(bench, input, await attempt({ ...input, terms: { price: 2 } }))).toContain(
      'Not done',
    );
    expect(keys).toEqual([]);
  });

  test('terms that cannot be read are read again, not taken for changed; but nothing runs without them', async () => {
    const input = await newCall(bench, agent, 'priced');
    const gated = { ...approved(input), terms: { price: 1 } };
    await openApprovals(bench.sql, [input]);
    readTerms = () => Promise.reject(new Error('away'));
    const { result, failures } = await play(gated);
    expect([result.kind, failures]).toEqual(['stale', ['tool_failed', 'tool_failed']]);
    expect(keys).toEqual([]);
    expect(await stateOf(bench.sql, approvalOf(input))).toBe('void');
  });
});

describe('what the model is told', () => {
  test('a read is not in the ledger: it is tried again, then it says that it could not look', async () => {
    const input = await newCall(bench, agent, 'look');
    scripts = [unreachable, throws, throws];
    const { result, failures } = await play(input);
    expect(failures).toEqual(['tool_failed', 'tool_failed']);
    expect(await wordsOf(bench, input, result)).toContain('does not mean that nothing is there');
    expect(await effectOf(bench, input)).toBeUndefined();
  });
});

describe('a guard of results that takes too long', () => {
  const slow: Guards = {
    input: [],
    output: [{ name: 'slow', timeoutMs: 20_000, check: () => new Promise(() => undefined) }],
    answer: [],
  };
  const guarded = labAgent([effectTool('write', run), readTool('look', run)], {
    name: 'guarded',
    guards: slow,
  });
  const SHORT_MS = LIMITS.settleRoomMs + 300;
  const quickly = async (tool: string, number = 1) => {
    const input = await newCall(bench, guarded, tool);
    scripts = [acts];
    const startedAtMs = performance.now();
    const options = { number, timeoutMs: SHORT_MS, agents: [guarded] };
    const result = await bench.attempt((activities) => activities.runTool(input), options);
    expect(performance.now() - startedAtMs).toBeLessThan(SHORT_MS);
    return { input, result };
  };
  beforeAll(() => publishRelease(bench.sql, guarded.release));

  test('does not make what was done unknown: it is settled in time, and its words are withheld', async () => {
    const { input, result } = await quickly('write');
    expect(result).toMatchObject({ kind: 'done', applied: true });
    expect(await wordsOf(bench, input, result)).toContain('The result was withheld (slow');
    expect((await effectOf(bench, input))?.state).toBe('applied');
  });

  test('withholds a read in time, too', async () => {
    const { input, result } = await quickly('look');
    expect(await wordsOf(bench, input, result)).toContain('The result was withheld (slow');
  });
});

describe('the word of a person', () => {
  const unknown = async () => {
    const input = await newCall(bench, agent, 'never');
    scripts = [throws];
    await attempt(input);
    return input;
  };

  test('"it happened, with this result" becomes its result, once and for all', async () => {
    const input = await unknown();
    const say = (result: string) =>
      bench.attempt((activities) =>
        activities.resolveEffect({ ...input, said: 'happened', result, by: 'boss' }),
      );
    expect(await wordsOf(bench, input, await say('confirmation 7'))).toBe('confirmation 7');
    expect(await wordsOf(bench, input, await say('confirmation 7'))).toBe('confirmation 7');
    expect(await evidenceKinds(bench, input)).toEqual(['person_applied']);
    expect(await wordsOf(bench, input, await attempt(input))).toBe('confirmation 7');
    expect(await effectOf(bench, input)).toMatchObject({ state: 'applied', generation: 1 });
  });

  const say = (input: RunToolInput, said: 'happened' | 'did_not' | 'give_up', result: string | null = null) =>
    bench.attempt((activities) => activities.resolveEffect({ ...input, said, result, by: 'boss' }));
  const events = async (input: RunToolInput) =>
    (await readAudit(bench.sql, input.run)).map(({ event }) => event);

  test('"it did not", and nobody wants it any more: it is void, said once', async () => {
    const input = await unknown();
    for (let i = 0; i < 2; i++)
      expect(await wordsOf(bench, input, await say(input, 'did_not'))).toContain('nothing happened');
    expect((await effectOf(bench, input))?.state).toBe('void');
    expect(await evidenceKinds(bench, input)).toEqual(['person_void']);
    expect((await events(input)).filter((event) => event.startsWith('effect_'))).toEqual([
      'effect_claimed',
      'effect_unknown',
      'effect_resolved',
    ]);
  });

  test('"it did not", from before an attempt said that it did: nobody is told that it was not done', async () => {
    const input = await newCall(bench, agent, 'never');
    const slow = hangs();
    scripts = [slow.script];
    expect((await attempt(input)).kind).toBe('unknown');
    slow.end(success('done late'));
    await until('the evidence', async () => (await evidenceKinds(bench, input)).length > 0);
    for (let i = 0; i < 2; i++) {
      const result = await say(input, 'did_not');
      expect(result).toMatchObject({ kind: 'done', applied: false });
      expect(await wordsOf(bench, input, result)).toContain('It is not known whether this happened');
    }
    expect((await effectOf(bench, input))?.state).toBe('unknown');
    expect(await evidenceKinds(bench, input)).toEqual(['late_applied']);
    expect((await events(input)).filter((event) => event === 'effect_word_refused')).toHaveLength(1);
  });

  test('a word on what stands already changes nothing, is on record, and what stands is said', async () => {
    // A key that came with other arguments is asked about too, whatever stands.
    const input = await newCall(bench, agent, 'never');
    scripts = [acts];
    await attempt(input);
    const result = await say(input, 'did_not');
    expect(result).toMatchObject({ kind: 'done', applied: true });
    expect(await wordsOf(bench, input, result)).toBe('done once');
    const refused = await newCall(bench, agent, 'never');
    scripts = [refuses];
    await attempt(refused);
    expect(await say(refused, 'happened', 'it did')).toMatchObject({ kind: 'done', applied: false });
    for (const one of [input, refused]) expect((await events(one)).at(-1)).toBe('effect_word_refused');
  });

  test('"it did not" runs it once more, with the same idempotency key', async () => {
    const input = await unknown();
    scripts = [acts];
    expect(await attempt({ ...input, generation: 2 })).toMatchObject({ kind: 'done', applied: true });
    expect(keys).toEqual([input.key, input.key]);
    expect(await effectOf(bench, input)).toEqual({ state: 'applied', fence: 2, generation: 2 });
    // The attempt from before that word finds the result; it does not run a third time.
    expect(await attempt(input)).toMatchObject({ kind: 'done', applied: true });
    expect(keys).toHaveLength(2);
  });

  test('"give up" leaves it unknown, is on record, and the model may say neither', async () => {
    const input = await unknown();
    const result = await bench.attempt((activities) =>
      activities.resolveEffect({ ...input, said: 'give_up', result: null, by: 'boss' }),
    );
    expect(await wordsOf(bench, input, result)).toContain('It is not known whether this happened');
    expect((await effectOf(bench, input))?.state).toBe('unknown');
    expect(await evidenceKinds(bench, input)).toEqual(['person_given_up']);
    expect((await attempt(input)).kind).toBe('unknown');
  });
});
