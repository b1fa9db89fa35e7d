import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { type Phase, phaseAfter, phaseProblems, unfit } from '../../../src/core/phases.ts';

const PHASES: readonly Phase[] = [
  { name: 'identify', tools: ['find', 'browse'], until: ['find'] },
  { name: 'quote', tools: ['find', 'price'], until: ['price'] },
  { name: 'book', tools: ['book'] },
];
const tool = (name: string, more = {}) => ({ name, category: 'x', handsOver: false, ...more });

describe('a call of a tool', () => {
  test('fits into its own phases only, and a refusal names what fits and what ends the phase', () => {
    expect(unfit(PHASES, 0, tool('find'))).toBeNull();
    expect(unfit(PHASES, 0, tool('book'))).toBe(
      'book does not fit now. The conversation is in the phase "identify", whose tools are: find, browse. It ends with a success of: find.',
    );
    expect(unfit(PHASES, 2, tool('find'))).toBe(
      'find does not fit now. The conversation is in the phase "book", whose tools are: book.',
    );
  });

  test('always fits where it hands over, is built in, or the agent has no phases', () => {
    expect(unfit(PHASES, 0, tool('escalate', { handsOver: true }))).toBeNull();
    expect(unfit(PHASES, 0, tool('read_result', { category: 'built-in' }))).toBeNull();
    expect(unfit([], 0, tool('anything'))).toBeNull();
  });
});

test('phases move forward with what succeeded, in order, and never past the last', () => {
  expect(phaseAfter(PHASES, 0, [])).toBe(0);
  expect(phaseAfter(PHASES, 0, ['browse', 'price'])).toBe(0);
  expect(phaseAfter(PHASES, 0, ['find', 'find'])).toBe(1);
  expect(phaseAfter(PHASES, 0, ['find', 'price', 'book'])).toBe(2);
  expect(phaseAfter([], 0, ['find'])).toBe(0);
});

test('phases that cannot work are told to the author of the agent', () => {
  const problems = phaseProblems(
    [
      { name: 'Never!', tools: [] },
      { name: 'lost', tools: ['gone'], until: ['find'] },
    ],
    ['find'],
  );
  expect(problems).toEqual([
    'phases[0] ("Never!"): its name is lower case letters, digits, blanks and dashes, at most 40',
    'phases[0] ("Never!") names no tool',
    'phases[0] ("Never!") never ends, so the phases after it are never reached: name `until`',
    'phases[1] ("lost") names a tool that is not there: "gone"',
    'phases[1] ("lost") ends with "find", which does not fit into it: it would never end',
    'phases[1] ("lost") is the last and cannot end: leave `until` out',
  ]);
  const many = Array.from({ length: LIMITS.phases + 1 }, () => ({
    name: 'a',
    tools: ['find'],
    until: ['find'],
  }));
  expect(phaseProblems(many, ['find'])[0]).toBe(
    `phases has ${LIMITS.phases + 1} entries, the limit is ${LIMITS.phases}`,
  );
});
