import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import type { Facts } from '../../chaos/facts.ts';
import { filler, QUICK_SIZE_CASES, SIZE_CASES, SIZED } from '../../chaos/golden/sizes.ts';
import { type Left, sizeProblems } from '../../chaos/golden/sizing.ts';
import { EMPTY } from './emptyFacts.ts';

const MIB = 1024 * 1024;
const told = (text: string, tool = 'emit'): Facts => ({
  ...EMPTY,
  calls: ['a'],
  results: [{ call: 'a', text, key: 'r/1/0', tool }],
});
const left = (what: Left['one']['what'], bytes: number, refused: boolean): Left => ({
  one: { what, bytes, refused },
  facts: EMPTY,
  outcome: 'completed',
  answer: 'It is read.',
  heard: [],
  keptBytes: bytes,
  largestEventBytes: 9_000,
  faults: [],
});

const excerpt: Left = { ...left('result', 2 * MIB, false), facts: told('This result was shortened.') };
const refused: Left = {
  ...left('result', 10 * MIB, true),
  facts: told('Error: the result cannot be used: it has 10485760 bytes, the limit is 8388608.'),
  keptBytes: 300,
};
const DONE: Facts = {
  ...told(
    'It was done. Its result cannot be shown: it has 10485760 bytes, the limit is 8388608.',
    'act_emit',
  ),
  effects: [{ key: 'r/1/0', tool: 'act_emit', state: 'applied', fence: 1, approval: null, args_hash: 'h' }],
  acts: { 'r/1/0': 1 },
};
const deed: Left = { ...left('deed', 10 * MIB, true), facts: DONE, keptBytes: 300 };
const keptBack: Left = {
  ...left('guarded answer', 2 * MIB, true),
  facts: {
    ...EMPTY,
    said: [
      'guarded answer 2097152',
      '<notice>\nYour answer was not sent. It has 9, and at most 4 are allowed.',
    ],
  },
};
const message: Left = { ...left('message', 150_000, false), largestEventBytes: 150_600 };
const unstarted: Left = {
  ...left('message', LIMITS.messageBytes + 1, true),
  facts: null,
  outcome: 'the run cannot start: the message has 102401 bytes',
  keptBytes: 0,
};

describe('the judge of sizes', () => {
  test.each<[string, Left]>([
    ['an excerpt', excerpt],
    ['a refused result', refused],
    ['a deed whose result is too long', deed],
    ['an answer that was kept back', keptBack],
    ['a long message in the event of its own start', message],
    ['a start that was refused', unstarted],
  ])('finds nothing wrong with %s', (_, one) => {
    expect(sizeProblems(one)).toEqual([]);
  });

  test.each<[string, Left, string]>([
    [
      'a text in history',
      { ...excerpt, largestEventBytes: LIMITS.payloadHardBytes + 9_000 },
      'is in history',
    ],
    ['a message in history a second time', { ...message, largestEventBytes: 301_000 }, 'is in history'],
    ['a failed task', { ...excerpt, faults: ['EVENT_TYPE_WORKFLOW_TASK_FAILED'] }, 'WORKFLOW_TASK_FAILED'],
    ['another outcome', { ...excerpt, outcome: 'failed' }, 'it ended as failed'],
    [
      'a run that never ends',
      { ...excerpt, facts: null, outcome: 'nothing within 120000 ms' },
      'ended as nothing within',
    ],
    [
      'a start that was refused for nothing',
      { ...unstarted, one: { ...unstarted.one, refused: false } },
      'cannot start',
    ],
    ['a start that failed in other words', { ...unstarted, outcome: 'bug' }, 'it ended as bug'],
    ['a refused text that was told', { ...refused, facts: told('azldt iicdz') }, 'it was not refused'],
    ['a refusal without a reason', { ...refused, facts: told('Error: no.') }, 'do not say why'],
    [
      'a refusal of what is allowed',
      { ...excerpt, facts: told('Error: the limit is 8388608.') },
      'it was refused',
    ],
    ['a text that was cut off', { ...excerpt, keptBytes: 2 * MIB - 3 }, 'the store has 2097149 bytes'],
    [
      'a result that was told whole',
      { ...excerpt, facts: told('x'.repeat(LIMITS.inlineResultBytes + 1)) },
      'was told 8193',
    ],
    ['a call without a result', { ...excerpt, facts: EMPTY }, 'the model was told nothing'],
    [
      'an answer that went out too long',
      { ...keptBack, facts: { ...EMPTY, said: ['guarded answer 2097152'] } },
      'not refused',
    ],
    [
      'an answer in the result of a run',
      { ...excerpt, answer: filler(LIMITS.previewBytes + 1) },
      'shows 4097',
    ],
    [
      'a deed that was told as not done',
      { ...deed, facts: { ...DONE, results: told('Not run: the limit is 8388608.', 'act_emit').results } },
      'about what was done',
    ],
  ])('finds %s', (_, one, problem) => {
    expect(sizeProblems(one).join('\n')).toContain(problem);
  });
});

describe('the sizes', () => {
  test.each([1, 2, 7, 4_096, 65_537, MIB])('a text of %i bytes has just so many', (bytes) => {
    expect(Buffer.byteLength(filler(bytes))).toBe(bytes);
  });

  test('of every kind some pass, and where there is a limit some do not, in quick too', () => {
    for (const what of SIZED) {
      const own = (cases: typeof SIZE_CASES) => cases.filter((one) => one.what === what);
      for (const cases of [own(SIZE_CASES), own(QUICK_SIZE_CASES)]) {
        expect(
          cases.some((one) => !one.refused),
          what,
        ).toBe(true);
        expect(what === 'answer' || cases.some((one) => one.refused), what).toBe(true);
      }
    }
    const bytes = QUICK_SIZE_CASES.map((one) => one.bytes);
    expect(bytes).toContain(10 * MIB);
    expect(bytes).toContain(2 * MIB + 1);
  });
});
