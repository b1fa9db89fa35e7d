import { describe, expect, test } from 'vitest';
import type { RunResult } from '../../../src/workflows/messages.ts';
import { differences, outwardOf } from '../../chaos/golden/outward.ts';
import { paidBy, requestOf } from './emptyFacts.ts';

// The only judge of R2: two runs of which one was killed must look the same from outside.

type Result = Pick<RunResult, 'outcome' | 'reason' | 'answer'>;

const RESULT: Result = { outcome: 'completed', reason: 'answered', answer: 'It is paid.' };
const QUESTION = { ...requestOf('reconcile'), id: 'r/1/0/2', state: 'answered', decided: 'answer' };
const HAPPENED = { ...QUESTION, answer: '{"outcome":"happened","result":"paid"}' };
const FACTS = { ...paidBy('pay'), approvals: [requestOf('call'), HAPPENED] };
const BEFORE = outwardOf(RESULT, FACTS);

test('another run with other keys, another fence and one more question is the same from outside', () => {
  const again = JSON.parse(JSON.stringify(FACTS).replaceAll('r/1/0', 'other/1/0'));
  const effects = again.effects.map((effect: object) => ({ ...effect, fence: 2 }));
  const asked = { ...QUESTION, answer: '{"outcome":"did_not"}' };
  const approvals = [again.approvals[0], asked, again.approvals[1]];
  expect(differences(BEFORE, outwardOf(RESULT, { ...again, effects, approvals }))).toEqual([]);
});

describe('a difference is', () => {
  test.each<[string, Partial<Result>, Partial<typeof FACTS>, RegExp]>([
    ['another outcome', { outcome: 'partial' }, {}, /^outcome is "partial", undisturbed it is "completed"/],
    ['another reason', { reason: 'closed' }, {}, /^reason is/],
    ['another answer', { answer: 'It is not paid.' }, {}, /^answer is "It is not paid\."/],
    ['another word to the agent', {}, { results: [] }, /^told is \[\]/],
    ['a second act', {}, { acts: { 'r/1/0': 2 } }, /^effects is .*"acts":2/],
    ['an act that is gone', {}, { acts: {} }, /^effects is .*"acts":0/],
    ['an effect in another state', {}, { effects: [] }, /^effects is \[\]/],
    ['a request that nobody decided', {}, { approvals: [HAPPENED] }, /^decided is \[\]/],
    [
      'a person who found something else',
      {},
      { approvals: [requestOf('call'), { ...QUESTION, answer: '{"outcome":"give_up"}' }] },
      /^found is \["answered: give_up"\]/,
    ],
  ])('%s', (_, result, facts, problem) => {
    const after = outwardOf({ ...RESULT, ...result }, { ...FACTS, ...facts });
    expect(differences(BEFORE, after).join('\n')).toMatch(problem);
  });
});
