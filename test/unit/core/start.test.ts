import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { messageProblems, parseStart } from '../../../src/core/start.ts';
import { anyOwnRules, anyRules } from './policyBuilders.ts';

const careful = { name: 'careful', match: {}, answer: { kind: 'ask', reason: 'a new customer' } };
const good = { v: 1, agent: 'support', requester: { id: 'customer-1' } };

describe('a good start', () => {
  test('gets its defaults', () => {
    expect(parseStart(good)).toEqual({
      kind: 'ok',
      start: {
        agent: 'support',
        channel: 'live',
        message: null,
        requester: { id: 'customer-1', tenant: null, roles: [] },
        once: false,
        limits: {},
        policy: [],
        context: null,
      },
    });
  });

  test('keeps what it says, cleans its message and drops what nobody knows', () => {
    const parsed = parseStart({
      ...good,
      channel: 'next',
      message: 'hi\0 \ud800',
      requester: { id: 'c', tenant: 'acme', roles: ['vip'], admin: true },
      once: true,
      limits: { tokensPerRun: 10 },
      policy: [careful],
      context: { page: '/orders' },
      extra: 1,
    });
    expect(parsed).toEqual({
      kind: 'ok',
      start: {
        agent: 'support',
        channel: 'next',
        message: 'hi \ufffd',
        requester: { id: 'c', tenant: 'acme', roles: ['vip'] },
        once: true,
        limits: { tokensPerRun: 10 },
        policy: [careful],
        context: { page: '/orders' },
      },
    });
  });
});

describe('a bad start names the value and the rule', () => {
  const person = (different: object) => ({ requester: { id: 'c', ...different } });
  test.each<readonly [string, object, RegExp]>([
    ['another version', { v: 2 }, /^v is 2: this worker reads version 1$/],
    ['no version', { v: undefined }, /^v is undefined: /],
    ['an agent in capitals', { agent: 'Support' }, /^agent is "Support": the name of an agent/],
    ['no agent', { agent: null }, /^agent is null: /],
    ['a long agent name', { agent: 'a'.repeat(41) }, /^agent is "a{41}": /],
    ['a channel with a space', { channel: 'a b' }, /^channel is "a b": a name/],
    ['a message that is no text', { message: 7 }, /^message is 7: text$/],
    ['an empty message', { message: ' \n' }, /^the message is empty: say something$/],
    ['a message of NUL alone', { message: '\0' }, /^the message is empty: say something$/],
    [
      'a message over the limit',
      { message: 'ä'.repeat(51_201) },
      /^the message has 102402 bytes, the limit is 102400: /,
    ],
    ['once as text', { once: 'yes' }, /^once is "yes": true or false$/],
    ['no requester', { requester: null }, /^requester\.id is undefined: who the run acts for/],
    ['an empty id', person({ id: '' }), /^requester\.id is "": who the run acts for, 1 to 200/],
    ['a long id', person({ id: 'x'.repeat(201) }), /^requester\.id is "x{79}…: /],
    [
      'an id that a decider could only almost have',
      person({ id: 'ann\0' }),
      /^requester\.id is "ann\\u0000": /,
    ],
    ['half a character in an id', person({ id: '\ud800' }), /^requester\.id is "\\ud800": /],
    ['a tenant that is no text', person({ tenant: 5 }), /^requester\.tenant is 5: /],
    ['a long tenant', person({ tenant: 'x'.repeat(201) }), /^requester\.tenant is "x+…: /],
    ['one role as text', person({ roles: 'vip' }), /^requester\.roles is "vip": at most 50 texts/],
    ['a role that is no text', person({ roles: [1] }), /^requester\.roles is \[1\]: /],
    ['a long role', person({ roles: ['x'.repeat(201)] }), /^requester\.roles is /],
    ['too many roles', person({ roles: Array(51).fill('r') }), /^requester\.roles is .*…: at most 50 texts/],
    ['an unknown limit', { limits: { tokens: 1 } }, /^limits\.tokens is not a limit$/],
    ['a limit of the language', { limits: { toString: 1 } }, /^limits\.toString is not a limit$/],
    [
      'a limit of zero',
      { limits: { tokensPerRun: 0 } },
      /^limits\.tokensPerRun is 0: a whole number above 0$/,
    ],
    ['half a limit', { limits: { iterationsPerTurn: 1.5 } }, /^limits\.iterationsPerTurn is 1\.5: /],
    ['a limit as text', { limits: { idleMs: '5' } }, /^limits\.idleMs is "5": /],
    ['limits that are no object', { limits: 5 }, /^limits is 5: an object of limits$/],
    ['limits that are null', { limits: null }, /^limits is null: /],
    ['a policy that is no list', { policy: {} }, /^policy is \{\}: a list of rules$/],
    ['a policy that is null', { policy: null }, /^policy is null: a list of rules$/],
    [
      'more rules than a run may have',
      { policy: Array.from({ length: 21 }, (_, i) => ({ ...careful, name: `r${i}` })) },
      /^the policy has 21 rules, the limit is 20: /,
    ],
    [
      'rules of more bytes than a run may carry',
      {
        policy: Array.from({ length: 9 }, (_, i) => ({
          ...careful,
          name: `r${i}`,
          answer: { kind: 'deny', reason: 'x'.repeat(2_000) },
        })),
      },
      /^the policy has 18\d+ bytes, the limit is 16384: /,
    ],
    [
      'a rule that allows',
      { policy: [{ ...careful, answer: { kind: 'allow' } }] },
      /^rule "careful": answer\.kind is "allow": rules of a run ask or deny, /,
    ],
    [
      'a rule with a condition that nobody reads',
      { policy: [{ ...careful, match: { payees: ['x'] } }] },
      /^rule "careful": match\.payees is not known here: use tools, /,
    ],
    ['two rules of one name', { policy: [careful, careful] }, /^two rules are named "careful": /],
    ['context that is a list', { context: [] }, /^context: an object of at most 8192 bytes$/],
    [
      'context over its limit',
      { context: { text: 'ä'.repeat(4_100) } },
      /^context: an object of at most 8192 bytes$/,
    ],
  ])('%s', (_name, different, problem) => {
    const parsed = parseStart({ ...good, ...different });
    expect(parsed.kind).toBe('bad');
    if (parsed.kind === 'bad') {
      expect(parsed.problems).toHaveLength(1);
      expect(parsed.problems[0]).toMatch(problem);
    }
  });

  test.each([[null], [undefined], ['text'], [[]], [5]])('%j is not a start at all', (input) => {
    expect(parseStart(input)).toEqual({ kind: 'bad', problems: ['the start input is not an object'] });
  });

  test('all problems come at once', () => {
    const parsed = parseStart({ v: 0, agent: '', channel: '', requester: {}, once: 1, limits: { a: 0 } });
    expect(parsed.kind === 'bad' && parsed.problems).toHaveLength(7);
  });
});

test('any JSON is either a start within the limits or a list of bounded problems', () => {
  const near = fc.record(
    {
      v: fc.constantFrom(1, 1, 1, 2),
      agent: fc.oneof(fc.constant('support'), fc.jsonValue()),
      message: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
      requester: fc.oneof(
        fc.record({ id: fc.string(), tenant: fc.jsonValue(), roles: fc.array(fc.string()) }),
        fc.jsonValue(),
      ),
      limits: fc.oneof(fc.record({ tokensPerRun: fc.jsonValue() }), fc.jsonValue()),
      policy: fc.oneof(anyRules, anyOwnRules, fc.jsonValue()),
      context: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(near, fc.jsonValue()), (input) => {
      const parsed = parseStart(input);
      if (parsed.kind === 'bad') {
        expect(parsed.problems.length).toBeGreaterThan(0);
        return;
      }
      expect(parsed.start.requester.id).not.toBe('');
      expect(parsed.start.message === null || messageProblems(parsed.start.message).length === 0).toBe(true);
      for (const { answer } of parsed.start.policy) expect(['ask', 'deny']).toContain(answer.kind);
      for (const limit of Object.values(parsed.start.limits)) expect(limit).toBeGreaterThan(0);
    }),
    { numRuns: 1_000 },
  );
});

test('a message may have exactly its limit, in bytes and not in characters', () => {
  expect(messageProblems('a'.repeat(LIMITS.messageBytes))).toEqual([]);
  expect(messageProblems('ä'.repeat(LIMITS.messageBytes / 2))).toEqual([]);
  expect(messageProblems(`${'ä'.repeat(LIMITS.messageBytes / 2)}a`)).toHaveLength(1);
});
