import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { type Guard, type GuardSubject, runGuards } from '../../../src/guards/guard.ts';
import { guardProblems } from '../../../src/guards/subjects.ts';

const SUBJECT = { text: 'my words' };

function guard(name: string, check: Guard<GuardSubject>['check'], more: Partial<Guard<GuardSubject>> = {}) {
  return { name, check, ...more };
}

const redacts = guard('redacts', ({ text }) => ({
  kind: 'redact',
  text: text.replace('my', '[x]'),
  why: 'x',
}));
const blocks = guard('blocks', () => ({ kind: 'block', why: 'no', reply: 'Not this.' }));

describe('guards', () => {
  test('run in order, each on what the one before let through', async () => {
    const seen: string[] = [];
    const sees = guard('sees', ({ text }) => {
      seen.push(text);
      return { kind: 'flag', why: 'seen' };
    });
    const judged = await runGuards([redacts, sees], SUBJECT);
    expect(seen).toEqual(['[x] words']);
    expect(judged).toEqual({
      text: '[x] words',
      notes: [
        { guard: 'redacts', kind: 'redact', why: 'x' },
        { guard: 'sees', kind: 'flag', why: 'seen' },
      ],
      stop: null,
    });
  });

  test('the first that stops is the last that runs', async () => {
    const never = guard('never', () => {
      throw new Error('it ran');
    });
    const judged = await runGuards([blocks, never], SUBJECT);
    expect(judged.stop).toEqual({ kind: 'block', reply: 'Not this.', why: 'blocks: no' });
    expect(judged.notes).toHaveLength(1);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('the secret text'))],
    [
      'throws at once',
      () => {
        throw new Error('the secret text');
      },
    ],
    ['does not come back', () => new Promise<never>(() => undefined)],
  ] satisfies [string, Guard<GuardSubject>['check']][])(
    'one that %s has passed nothing',
    async (_, check) => {
      const judged = await runGuards([guard('broken', check, { timeoutMs: 5 })], SUBJECT);
      expect(judged.stop?.kind).toBe('block');
      expect(JSON.stringify(judged)).not.toContain('secret');
    },
  );

  test('a broken one lets through only where its agent says so, and even then it shows', async () => {
    const broken = guard('broken', () => Promise.reject(new Error('x')), { onFailure: 'pass' });
    const judged = await runGuards([broken], SUBJECT);
    expect(judged.stop).toBeNull();
    expect(judged.notes).toEqual([{ guard: 'broken', kind: 'flag', why: 'the guard failed: it threw' }]);
  });

  test('one that is late hears of it', async () => {
    let heard = false;
    const slow = guard(
      'slow',
      (_, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            heard = true;
            resolve({ kind: 'pass' });
          });
        }),
      { timeoutMs: 5 },
    );
    await runGuards([slow], SUBJECT);
    expect(heard).toBe(true);
  });

  test('what is wrong with a list of guards is said with its name and the rule', () => {
    const twice = [guard('a', () => ({ kind: 'pass' })), guard('a', () => ({ kind: 'pass' }))];
    const slow = guard('B!', () => ({ kind: 'pass' }), { timeoutMs: LIMITS.guardTimeoutMaxMs + 1 });
    expect(guardProblems({ input: twice, output: [], answer: [slow] })).toEqual([
      'guards.input names "a" twice',
      'guards.answer: "B!" is no name: lower case letters, digits and dashes, at most 40',
      `guards.answer: timeoutMs of "B!" is ${LIMITS.guardTimeoutMaxMs + 1}: more than 0, at most ${LIMITS.guardTimeoutMaxMs}`,
    ]);
  });
});
