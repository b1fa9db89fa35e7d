import { describe, expect, test } from 'vitest';
import { hashJson } from '../../../src/store/hash.ts';
import type { Facts } from '../../chaos/facts.ts';
import { ASKED, LOOK } from '../../chaos/fleet/clerk.ts';
import { strayedFrom } from '../../chaos/fleet/expected.ts';
import { ARGUMENTS, EDITED, KINDS, type Mind, type RunKind } from '../../chaos/fleet/mix.ts';
import { EMPTY, paidBy, requestOf } from './emptyFacts.ts';

const HASH = hashJson(ARGUMENTS);
const EDITED_HASH = hashJson(EDITED);

const looks = (count: number): Pick<Facts, 'results'> => ({
  results: Array.from({ length: count }, (_, i) => ({
    call: `look ${i}`,
    text: 'seen x',
    key: `r/${i}/9`,
    tool: LOOK,
  })),
});
const landed = { approvals: [requestOf('landing')] };
const asked = { approvals: [requestOf('call')] };

/** A run of each kind as it is when nothing happens to it. */
const GOOD: Readonly<Record<RunKind, Facts>> = {
  read: { ...EMPTY, ...looks(1) },
  parallel: { ...EMPTY, ...looks(3) },
  asked: { ...paidBy(ASKED, HASH), ...asked },
  keyed: paidBy('pay_keyed', HASH),
  checkable: paidBy('pay_checkable', HASH),
  never: paidBy('pay_never', HASH),
  chat: { ...paidBy('pay_keyed', HASH), results: [...paidBy('pay_keyed').results, ...looks(1).results] },
  landing: { ...EMPTY, ...looks(3), ...landed },
};
const REFUSED: Facts = {
  ...EMPTY,
  ...asked,
  results: [{ call: 'a', text: 'Not run: a person decided against it.', key: 'r/1/0', tool: ASKED }],
};
const ended = (outcome: string) => ({ run: { state: 'ended', outcome } });
const effects = (kind: RunKind, state: string) => GOOD[kind].effects.map((one) => ({ ...one, state }));

describe('a run that did what was asked of it', () => {
  test.each(KINDS)('%s', (kind) => {
    expect(strayedFrom({ kind, mind: 'approve' }, GOOD[kind])).toEqual({ lost: [], unwanted: [] });
  });

  test.each<[string, RunKind, Mind, Facts]>([
    ['what was refused was not done', 'asked', 'reject', REFUSED],
    ['what was edited was done as edited', 'asked', 'edit', { ...paidBy(ASKED, EDITED_HASH), ...asked }],
    [
      'it was stopped where it landed',
      'landing',
      'reject',
      { ...EMPTY, ...ended('partial'), ...looks(2), ...landed },
    ],
    [
      'a person was asked what became of a lost attempt',
      'never',
      'approve',
      { ...GOOD.never, approvals: [requestOf('reconcile')] },
    ],
  ])('%s', (_, kind, mind, facts) => {
    expect(strayedFrom({ kind, mind }, facts)).toEqual({ lost: [], unwanted: [] });
  });
});

describe('it is lost:', () => {
  test.each<[string, RunKind, Mind, Partial<Facts>, string]>([
    [
      'an effect that was closed as void',
      'keyed',
      'approve',
      { effects: effects('keyed', 'void'), acts: {} },
      'pay_keyed was asked for and never done: void',
    ],
    ['one that nobody knows', 'never', 'approve', { effects: effects('never', 'unknown') }, 'unknown'],
    ['one without a row', 'checkable', 'approve', { effects: [], acts: {} }, 'never done: no row'],
    ['one that is said to be done', 'keyed', 'approve', { acts: {} }, 'never done: applied'],
    ['one that was done as before the edit', 'asked', 'edit', {}, 'never done: applied'],
    [
      'one the agent knows nothing of',
      'keyed',
      'approve',
      { results: [{ call: 'a', text: 'It is not known whether …', key: 'r/1/0', tool: 'pay_keyed' }] },
      'the agent was not told so',
    ],
    [
      'a look without an answer',
      'read',
      'approve',
      { results: [{ call: 'a', text: 'Error: nobody is there', key: 'r/1/0', tool: LOOK }] },
      '1 of 1 looks have no answer',
    ],
    ['a run that was left to people', 'read', 'approve', ended('escalated'), 'ended as escalated, not as'],
    ['a run that was cancelled', 'read', 'approve', ended('cancelled'), 'ended as cancelled, not as'],
    [
      'a run that stopped half way',
      'chat',
      'approve',
      ended('partial'),
      'ended as partial, not as completed',
    ],
    ['a landing that went on against a no', 'landing', 'reject', {}, 'ended as completed, not as partial'],
  ])('%s', (_, kind, mind, fault, problem) => {
    const { lost } = strayedFrom({ kind, mind }, { ...GOOD[kind], ...fault });
    expect(lost.join('\n')).toContain(problem);
  });
});

describe('nobody wanted', () => {
  test.each<[string, RunKind, Mind, Partial<Facts>, string]>([
    ['what was refused', 'asked', 'reject', {}, '(pay_asked) was done and nobody wanted it'],
    ['what was not asked for', 'read', 'approve', paidBy('pay_keyed'), '(pay_keyed) was done and nobody'],
    ['a second deed of another tool', 'keyed', 'approve', paidBy('pay_never'), '(pay_never) was done'],
    [
      'a question about what can be checked',
      'checkable',
      'approve',
      asked,
      'asked for nothing: r/1/0/1 (call)',
    ],
  ])('%s', (_, kind, mind, fault, problem) => {
    const { unwanted } = strayedFrom({ kind, mind }, { ...GOOD[kind], ...fault });
    expect(unwanted.join('\n')).toContain(problem);
  });

  test('a question what became of an effect that can be done again', () => {
    const plan = { kind: 'keyed', mind: 'approve' } as const;
    const approvals = [{ ...asked.approvals?.[0], kind: 'reconcile' }] as never;
    expect(strayedFrom(plan, { ...GOOD.keyed, approvals }).unwanted).toHaveLength(1);
  });
});
