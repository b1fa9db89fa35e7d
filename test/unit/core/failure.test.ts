import { ApplicationFailure, asyncLocalStorage, CancelledFailure } from '@temporalio/activity';
import { describe, expect, test, vi } from 'vitest';
import { borderFor, toApplicationFailure } from '../../../src/activities/failure.ts';
import { privacyFor } from '../../../src/activities/privacy.ts';
import { type Failure, FailureError, retryable, terminal } from '../../../src/core/errors.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { asking } from '../../../src/store/asking.ts';
import { contextOf } from '../../activityContext.ts';

const PRIVACY = privacyFor([]);

const ATTEMPT_MS = 20_000;

/** Runs `work` inside an activity, and gives back what was logged. */
async function inActivity<Result>(
  work: () => Result,
): Promise<{ readonly result: Awaited<Result>; readonly logged: unknown[] }> {
  const logged: unknown[] = [];
  const onError = (message: string, facts: unknown) => logged.push([message, facts]);
  const result = await asyncLocalStorage.run(contextOf({ timeoutMs: ATTEMPT_MS, onError }), work);
  return { result, logged };
}

describe('two families of failures', () => {
  test.each<readonly [string, Failure, object]>([
    [
      'retryable, when Temporal thinks best',
      retryable('store_unavailable', 'the store does not answer'),
      { type: 'store_unavailable', nonRetryable: false, nextRetryDelay: undefined },
    ],
    [
      'retryable, not before its time',
      retryable('model_rate_limited', 'too many requests', 1_500),
      { type: 'model_rate_limited', nonRetryable: false, nextRetryDelay: 1_500 },
    ],
    [
      'retryable at once',
      retryable('lease_busy', 'it has just ended', 0),
      { type: 'lease_busy', nonRetryable: false, nextRetryDelay: 0 },
    ],
    [
      'terminal',
      terminal('model_auth', 'the key is not valid'),
      { type: 'model_auth', nonRetryable: true, nextRetryDelay: undefined },
    ],
  ])('%s', (_name, failure, expected) => {
    const thrown = toApplicationFailure(new FailureError(failure), PRIVACY);
    expect(thrown).toBeInstanceOf(ApplicationFailure);
    expect(thrown.message).toBe(failure.message);
    expect(thrown).toMatchObject(expected);
  });

  test('plain data: a delay that was not given is no member', () => {
    expect(retryable('bug', 'x')).toEqual({ kind: 'retryable', code: 'bug', message: 'x' });
    expect(Object.keys(retryable('bug', 'x'))).not.toContain('retryAfterMs');
    expect(new FailureError(terminal('bug', 'words'))).toMatchObject({
      name: 'FailureError',
      message: 'words',
    });
  });

  test('what caused it stays behind: its text may quote a customer', () => {
    const error = new FailureError(terminal('bug', 'our words'), { cause: new Error('SECRET') });
    const thrown = toApplicationFailure(error, PRIVACY);
    expect(thrown.cause).toBeUndefined();
    expect(`${thrown.message} ${JSON.stringify(thrown)}`).not.toContain('SECRET');
  });
});

describe('the border of an activity', () => {
  test.each<readonly [string, unknown, string]>([
    ['an error', new RangeError('SECRET of a customer'), 'RangeError'],
    ['a text', 'SECRET of a customer', 'string'],
    ['an object', { detail: 'SECRET of a customer' }, 'object'],
  ])('the text of %s that nobody expected goes to the log and nowhere else', async (_name, error, name) => {
    const { result, logged } = await inActivity(() => toApplicationFailure(error, PRIVACY));
    expect(result).toMatchObject({ type: 'bug', nonRetryable: false });
    expect(result.message).toBe(`unexpected ${name}; the worker's log has the rest`);
    expect(result.cause).toBeUndefined();
    expect(JSON.stringify(logged)).toContain('unexpected error in an activity');
    expect(JSON.stringify(logged)).toContain('SECRET of a customer');
  });

  test('what it logs holds no secret of this process and no mail, in a cause neither', async () => {
    const error = new Error('cannot reach db with key-of-the-process', {
      cause: new Error('asked by mara@shop.example with key-of-the-process'),
    });
    const { logged } = await inActivity(() =>
      toApplicationFailure(error, privacyFor(['key-of-the-process'])),
    );
    const text = JSON.stringify(logged);
    expect(text).toContain('cannot reach db');
    expect(text).toContain('asked by');
    expect(text).not.toMatch(/key-of-the-process|mara@/);
  });

  test('a known failure leaves as itself, and so does what is Temporal\u2019s own', async () => {
    const own = ApplicationFailure.create({ message: 'own', type: 'bug' });
    const cancelled = new CancelledFailure('stopped');
    const leaves = async (error: unknown) => {
      const activity = borderFor(PRIVACY)(async () => {
        throw error;
      });
      return (await inActivity(() => activity(null).catch((thrown: unknown) => thrown))).result;
    };
    expect(await leaves(own)).toBe(own);
    expect(await leaves(cancelled)).toBe(cancelled);
    expect(await leaves(new FailureError(terminal('bad_start', 'no agent')))).toMatchObject({
      type: 'bad_start',
      nonRetryable: true,
    });
  });

  const waits = (work: () => Promise<unknown>) =>
    inActivity(() => borderFor(PRIVACY)(work)(null).catch((thrown: unknown) => thrown));
  const never = () => new Promise<never>(() => undefined);

  test('an attempt says that the store is silent before its time is over, and what it began goes on', async () => {
    vi.useFakeTimers();
    try {
      let settle = (): void => undefined;
      let settled = false;
      const attempt = waits(async () => {
        await asking(() => new Promise<void>((resolve) => (settle = resolve)));
        settled = true;
      });
      let said: unknown = null;
      void attempt.then(({ result }) => (said = result));
      await vi.advanceTimersByTimeAsync(ATTEMPT_MS - LIMITS.answerRoomMs - 1);
      expect(said).toBeNull();
      await vi.advanceTimersByTimeAsync(1);
      expect(said).toMatchObject({ type: 'store_unavailable', nonRetryable: false });
      settle();
      await vi.advanceTimersByTimeAsync(0);
      expect(settled).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  test('an attempt that waits for anything else, or no longer for the store, is left to the engine', async () => {
    vi.useFakeTimers();
    try {
      const said: unknown[] = [];
      const answered = async () => {
        await asking(async () => 1);
        await expect(asking(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
        await never();
      };
      for (const work of [never, answered]) void waits(work).then(({ result }) => said.push(result));
      await vi.advanceTimersByTimeAsync(10 * ATTEMPT_MS);
      expect(said).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a result crosses untouched', async () => {
    const activity = borderFor(PRIVACY)(async (input: number) => input + 1);
    expect((await inActivity(() => activity(1))).result).toBe(2);
  });
});
