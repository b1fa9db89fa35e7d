import { describe, expect, test } from 'vitest';
import {
  decisionProblems,
  messageProblems,
  type Starts,
  startProblems,
} from '../../chaos/campaigns/sameKey.ts';

const STARTS: Starts = {
  answers: ['already_started', 'taken', 'taken'],
  late: 'already_started',
  executions: 1,
};
const HEARD = [
  { by: 'boss', reply: 'decided' },
  { by: 'boss', reply: 'decided' },
  { by: 'deputy', reply: 'already_decided' },
  { by: 'deputy', reply: 'left' },
];

test('what fits has no problem', () => {
  expect(startProblems(STARTS)).toEqual([]);
  expect(messageProblems('m1', ['answered Hello.', 'answered Hello.'])).toEqual([]);
  expect(decisionProblems(HEARD, 'boss')).toEqual([]);
  // A signal was first: nobody was told that they decided.
  expect(decisionProblems(HEARD.slice(2), 'boss')).toEqual([]);
});

describe('the judge of R9 finds', () => {
  test.each<[string, readonly string[], string]>([
    [
      'a start that nobody heard of',
      startProblems({ ...STARTS, answers: ['already_started'] }),
      'nobody was told that it has begun',
    ],
    ['another answer to a start', startProblems({ ...STARTS, answers: ['taken', 'lost'] }), 'told lost'],
    ['a second start after the end', startProblems({ ...STARTS, late: 'taken' }), 'started again'],
    ['a second execution', startProblems({ ...STARTS, executions: 2 }), 'the server ran it 2 times'],
    [
      'two answers to one message',
      messageProblems('m1', ['answered Hello.', 'answered Hello?']),
      'message m1 was answered in 2 ways',
    ],
    ['no answer to a message', messageProblems('m1', []), 'message m1 was answered in 0 ways'],
    [
      'two people who were told that they decided',
      decisionProblems([...HEARD, { by: 'deputy', reply: 'decided' }], 'boss'),
      'boss and deputy were told that they decided',
    ],
    ['somebody else on record', decisionProblems(HEARD, 'deputy'), 'the store names somebody else'],
    ['nobody on record', decisionProblems(HEARD, null), 'the store names somebody else'],
    [
      'a reply that does not fit',
      decisionProblems([{ by: 'boss', reply: 'not_an_approver' }], 'boss'),
      'somebody was told not_an_approver',
    ],
  ])('%s', (_, problems, problem) => {
    expect(problems.join('\n')).toContain(problem);
  });
});
