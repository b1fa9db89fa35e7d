import { describe, expect, test } from 'vitest';
import { type Ended, endOf, sumOf } from '../../chaos/golden/ends.ts';
import { joined, type Part } from '../../chaos/golden/part.ts';
import { EMPTY, paidBy, requestOf } from './emptyFacts.ts';

const YES = { approval: 'r/1/0/1', by: 'boss', kind: 'approve', argsHash: 'h', atMs: 1_500 } as const;
const PAID: Ended = {
  kind: 'approval',
  outcome: 'completed',
  facts: { ...paidBy('pay'), approvals: [requestOf('call')], said: ['approval'] },
  terms: { heard: ['approval'], decisions: [YES] },
};
const READ: Ended = { ...PAID, kind: 'reads', facts: { ...EMPTY, said: ['approval'] } };

test('a run that paid once, and one that paid nobody, have no problem', () => {
  expect(sumOf([endOf(PAID), endOf(READ)])).toEqual({ effects: 1, lost: 0, duplicated: 0, problems: [] });
});

describe('the judge of golden runs finds', () => {
  test.each<[string, Ended, Partial<ReturnType<typeof endOf>>, string]>([
    [
      'a payment that was lost',
      { ...PAID, facts: { ...PAID.facts, acts: {} } },
      { lost: 1, duplicated: 0 },
      '0 effects were done, 1 asked for',
    ],
    [
      'one that was never begun',
      { ...READ, kind: 'teller' },
      { lost: 1, duplicated: 0 },
      '0 effects were done, 1 asked for',
    ],
    [
      'a second payment, which is not a lost one',
      { ...PAID, facts: { ...PAID.facts, acts: { 'r/1/0': 2 } } },
      { lost: 0, duplicated: 1 },
      'V1: the outside acted 2 times',
    ],
    ['another outcome', { ...PAID, outcome: 'escalated' }, {}, 'ended as escalated'],
    ['a message that is gone', { ...PAID, facts: { ...PAID.facts, said: [] } }, {}, 'V9: "approval" was'],
    ['a yes that nobody gave', { ...PAID, terms: { ...PAID.terms, decisions: [] } }, {}, 'V2'],
    [
      'a run over its limit',
      { ...PAID, facts: { ...PAID.facts, spent: { microUsd: 900_000, largestMicroUsd: 10 } } },
      {},
      'V4: it spent 900000 micro-dollars of 500000',
    ],
  ])('%s', (_, ended, counted, problem) => {
    const end = endOf(ended);
    expect(end.problems.join('\n')).toContain(problem);
    expect(end).toMatchObject(counted);
  });
});

test('parts are added up by their numbers, whatever their problems say', () => {
  const part: Part = {
    name: 'one',
    faults: 1,
    runs: 2,
    effects: 3,
    lost: 1,
    duplicated: 0,
    recoveryMs: [5],
    problems: ['the outside acted 2 times'],
    vacuous: [],
    figures: {},
  };
  expect(joined([part, { ...part, name: 'two', duplicated: 2 }])).toMatchObject({
    lost: 2,
    duplicated: 2,
    effects: 6,
    problems: ['one: the outside acted 2 times', 'two: the outside acted 2 times'],
  });
});
