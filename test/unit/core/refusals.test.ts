import { describe, expect, test } from 'vitest';
import type { RefusalCode } from '../../../src/core/calls.ts';
import { notice, refuse } from '../../../src/core/refusals.ts';

/** Every code, what its text says happened, and what it says to do. The compiler keeps the list complete. */
const TEXTS: Readonly<Record<RefusalCode, readonly [happened: RegExp, todo: RegExp]>> = {
  bad_call: [/^Not run\. DETAIL/, /Correct the call and try once more/],
  cut_off: [/^Not run: your answer was cut off/, /Make the call again/],
  denied: [/^Not run: DETAIL/, /DETAIL/],
  not_now: [/^Not run: DETAIL/, /DETAIL/],
  repeated: [
    /^Not run: you have made exactly this call before/,
    /Use the result you have, or try something else/,
  ],
  landing: [/^Not run: this turn has reached a limit/, /is ending/],
  rejected: [/^Not run: a person decided against it/, /Do not try it again; tell the customer/],
  expired: [/^Not run: nobody decided in time/, /You may ask again/],
  withdrawn: [/^Not run: the customer wrote something new/, /Read it first/],
  handed_over: [/^Not run: a person is taking over/, /taking over/],
  cancelled: [/^Not run: the conversation was cancelled/, /cancelled/],
  switched_off: [
    /^Not run: this action is switched off.*DETAIL/,
    /A retry will not help now; tell the customer, or hand over/,
  ],
  not_approved: [
    /^Not run: the approval does not stand.*DETAIL/,
    /Make the call again if it is still wanted/,
  ],
  terms_changed: [/^Not run: what it was allowed for has changed/, /Look again, and ask the customer/],
  void: [/^Not done: the attempt failed and was closed; nothing happened/, /You may make the call again/],
  unknown_outcome: [
    /^It is not known whether this happened/,
    /Do not say that it was done or that it was not; do not try again/,
  ],
  release_not_here: [/^Not run: the version of this tool/, /Hand over to a person/],
  too_many_calls: [/^Not run: too many calls at once/, /in a later step/],
  rate_limited: [/^Not run: this action is used too often.*DETAIL/, /Go on without it, or tell the customer/],
  unavailable: [/^Could not look: the source did not answer/, /Do not guess; try once more later/],
};

describe('a refusal says what happened and what to do', () => {
  test.each(Object.entries(TEXTS))('%s', (code, [happened, todo]) => {
    const outcome = refuse(code as RefusalCode, 'DETAIL.');
    expect(outcome).toMatchObject({ kind: 'refused', code });
    const text = outcome.kind === 'refused' ? outcome.text : '';
    expect(text).toMatch(happened);
    expect(text).toMatch(todo);
    expect(text).not.toMatch(/undefined|null|\s$/);
  });

  test('only a refusal that is sure of it says that nothing was done', () => {
    for (const code of ['unknown_outcome', 'unavailable'] as const) {
      const outcome = refuse(code);
      expect(outcome.kind === 'refused' && outcome.text).not.toMatch(/^Not (run|done)/);
    }
  });

  test('could not look is not: not there', () => {
    const outcome = refuse('unavailable');
    expect(outcome.kind === 'refused' && outcome.text).toContain('This does not mean that nothing is there.');
  });

  test("a person's reason is quoted on one line and bounded; without one there is none", () => {
    const long = refuse('rejected', `too\nexpensive ${'x'.repeat(2_000)}`);
    const text = long.kind === 'refused' ? long.text : '';
    expect(text).toContain('Their reason: "too expensive xxx');
    expect(text).not.toContain('\n');
    expect(text.length).toBeLessThan(650);
    const silent = refuse('rejected');
    expect(silent.kind === 'refused' && silent.text).not.toContain('reason');
  });
});

test('a notice is marked, so that nobody takes it for words of the customer', () => {
  expect(notice('Only 2 left.')).toBe('<notice>\nOnly 2 left.\n</notice>');
});
