import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CallState, isCleared, startable } from '../../../src/core/calls.ts';
import { ALLOWED, ASKED, approvalRecord, callState, HASH, RAN } from './builders.ts';

const isEffect = (tool: string) => tool === 'effect';
type Startable = typeof startable;

const DECISION = { approval: 'a', kind: 'approve', by: 'bo', channel: 'cli' } as const;
const approved = approvalRecord({
  state: { kind: 'approved', decision: DECISION, identity: 'signed', atMs: 1 },
});

function call(tool: 'read' | 'effect', different: Partial<CallState> = {}): CallState {
  return callState(tool, 0, { verdict: ALLOWED, ...different });
}

const read = call('read');
const effect = call('effect');
const done = { outcome: RAN };

describe('cleared means: policy and people said yes to exactly this, and nothing is in doubt', () => {
  const reconcile = (state: ReturnType<typeof approvalRecord>['state']) =>
    approvalRecord({ kind: 'reconcile', state });
  test.each<readonly [string, Partial<CallState>, boolean]>([
    ['no verdict yet', { verdict: null }, false],
    ['allowed', { verdict: ALLOWED }, true],
    ['allowed, but stale', { verdict: ALLOWED, stale: true }, false],
    ['denied', { verdict: { rule: 'r', answer: { kind: 'deny', reason: '' } } }, false],
    ['asked, no request yet', { verdict: ASKED }, false],
    ['asked and open', { verdict: ASKED, approval: approvalRecord() }, false],
    ['asked and approved', { verdict: ASKED, approval: approved }, true],
    ['approved, but stale', { verdict: ASKED, approval: approved, stale: true }, false],
    [
      'rejected',
      {
        verdict: ASKED,
        approval: approvalRecord({
          state: { kind: 'rejected', decision: DECISION, identity: 'signed', atMs: 1 },
        }),
      },
      false,
    ],
    [
      'edited',
      {
        verdict: ASKED,
        approval: approvalRecord({
          state: { kind: 'answered', decision: DECISION, identity: 'signed', atMs: 1 },
        }),
      },
      false,
    ],
    ['expired', { verdict: ASKED, approval: approvalRecord({ state: { kind: 'expired', atMs: 1 } }) }, false],
    [
      'withdrawn',
      { verdict: ASKED, approval: approvalRecord({ state: { kind: 'withdrawn', atMs: 1 } }) },
      false,
    ],
    ['kept back by a switch', { held: { name: 'fleet', sinceMs: 1, lookedAtMs: 1, againAtMs: 2 } }, false],
    [
      'kept back, and may look again',
      { held: { name: 'fleet', sinceMs: 1, lookedAtMs: 1, againAtMs: null } },
      true,
    ],
    ['nobody knows what became of it', { reconcile: reconcile({ kind: 'open' }) }, false],
    [
      'a person said what became of it',
      { reconcile: reconcile({ kind: 'answered', decision: DECISION, identity: 'signed', atMs: 1 }) },
      false,
    ],
    ['nobody said it in time', { reconcile: reconcile({ kind: 'expired', atMs: 1 }) }, false],
  ])('%s', (_name, different, cleared) => {
    expect(isCleared(call('effect', different))).toBe(cleared);
  });
});

describe('what may start', () => {
  const asked = call('effect', { verdict: ASKED, approval: approvalRecord() });
  test.each<readonly [string, readonly CallState[], readonly number[]]>([
    ['nothing in an empty step', [], []],
    ['reads run together', [read, read, read], [0, 1, 2]],
    ['an effect waits for a read before it', [read, effect], [0]],
    ['a read before an effect runs, a read after it waits', [read, effect, read], [0]],
    ['an effect whose predecessors are done', [call('read', done), effect, read], [1]],
    ['a read after a finished effect', [call('effect', done), read, effect], [1]],
    ['effects one at a time', [effect, effect], [0]],
    ['an effect that waits for a person holds what comes later', [asked, effect, read], []],
    ['but not the reads before it', [read, asked, effect], [0]],
    ['a finished call is never started again', [call('read', done), call('effect', done)], []],
  ])('%s', (_name, calls, ready) => {
    expect(startable(calls, isEffect)).toEqual(ready);
  });
});

/**
 * Plays a step as the workflow does: starts what may start, lets running calls end and people decide in any order.
 * Checks at every start that the order of call is kept, and in the end that nothing was left behind.
 */
function orderHolds(rule: Startable, cleared: typeof isCleared = isCleared) {
  const kind = fc.constantFrom('read' as const, 'effect' as const);
  const step = fc.array(fc.record({ tool: kind, asks: fc.boolean() }), { maxLength: 8 });
  return fc.property(step, fc.infiniteStream(fc.nat()), (plan, dice) => {
    const roll = (sides: number) => ([...dice.take(1)][0] ?? 0) % sides;
    let calls: readonly CallState[] = plan.map(({ tool, asks }, i) =>
      callState(tool, i, asks ? { verdict: ASKED, approval: approvalRecord() } : { verdict: ALLOWED }),
    );
    const patch = (index: number, different: Partial<CallState>) => {
      calls = calls.map((one, i) => (i === index ? { ...one, ...different } : one));
    };
    const open = (index: number) => calls[index]?.outcome === null;
    const effectAt = (index: number) => plan[index]?.tool === 'effect';
    const before = (index: number) => plan.map((_, i) => i).slice(0, index);
    const running = new Set<number>();
    for (let move = 0; calls.some((one) => one.outcome === null); move++) {
      expect(move).toBeLessThan(100);
      const ready = rule(calls, isEffect);
      const starting = ready.filter((i) => !running.has(i));
      for (const i of starting) {
        expect(open(i) && cleared(calls[i] ?? callState('none'))).toBe(true);
        if (effectAt(i)) expect(before(i).some(open)).toBe(false);
        expect(before(i).some((j) => effectAt(j) && open(j))).toBe(false);
        running.add(i);
      }
      // Reads do not wait for reads: a cleared one without an open effect before it is on its way.
      calls.forEach((one, i) => {
        if (
          one.outcome === null &&
          cleared(one) &&
          !effectAt(i) &&
          !before(i).some((j) => effectAt(j) && open(j))
        )
          expect(running.has(i)).toBe(true);
      });
      const waiting = calls.flatMap((one, i) => (one.outcome === null && !cleared(one) ? [i] : []));
      expect(running.size + waiting.length).toBeGreaterThan(0);
      const choices = [...running, ...waiting];
      const chosen = choices[roll(choices.length)] ?? 0;
      if (running.delete(chosen)) patch(chosen, { outcome: RAN });
      else if (roll(2) === 0) patch(chosen, { approval: approved });
      else patch(chosen, { outcome: { kind: 'refused', code: 'rejected', text: '' } });
    }
    expect(rule(calls, isEffect)).toEqual([]);
  });
}

describe('over any step and any order of events', () => {
  test('effects keep the order of call, reads never wait for reads, and the step always ends', () => {
    fc.assert(orderHolds(startable), { numRuns: 2_000 });
  });

  const cleared = (calls: readonly CallState[]) =>
    calls.flatMap((one, i) => (one.outcome === null && isCleared(one) ? [i] : []));
  const wrong: Readonly<Record<string, Startable>> = {
    'starts everything that is cleared': (calls) => cleared(calls),
    'lets an effect pass open reads': (calls, effects) =>
      cleared(calls).filter(
        (i) => !calls.slice(0, i).some((one) => one.outcome === null && effects(one.prepared.tool)),
      ),
    'lets a read pass an open effect': (calls, effects) =>
      cleared(calls).filter(
        (i) =>
          !effects(calls[i]?.prepared.tool ?? '') || calls.slice(0, i).every((one) => one.outcome !== null),
      ),
    'runs one call at a time': (calls) =>
      cleared(calls).filter((i) => calls.slice(0, i).every((one) => one.outcome !== null)),
    'forgets effects that wait for a person': (calls, effects) =>
      startable(
        calls.filter((one) => isCleared(one)),
        effects,
      ).map((i) => calls.indexOf(calls.filter((one) => isCleared(one))[i] ?? read)),
    'never starts an effect': (calls, effects) =>
      startable(calls, effects).filter((i) => !effects(calls[i]?.prepared.tool ?? '')),
  };
  test.each(Object.entries(wrong))('the property finds a rule that %s', (_name, rule) => {
    expect(fc.check(orderHolds(rule), { numRuns: 2_000, seed: 1 }).failed).toBe(true);
  });
});

test('a started effect is not cleared by what a person says about it: it is settled first', () => {
  const said = approvalRecord({
    kind: 'reconcile',
    state: {
      kind: 'answered',
      decision: { ...DECISION, kind: 'answer', answer: { outcome: 'happened', result: HASH } },
      identity: 'signed',
      atMs: 1,
    },
  });
  expect(startable([call('effect', { reconcile: said }), read], isEffect)).toEqual([]);
});
