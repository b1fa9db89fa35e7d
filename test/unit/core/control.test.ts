import { describe, expect, test } from 'vitest';
import {
  maySteer,
  OPERATOR,
  parseEnvelope,
  type Speaker,
  signedText,
  timesFault,
} from '../../../src/core/control.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { LIMITS } from '../../../src/core/limits.ts';

const NOW = 1_800_000_000_000;
const LIFE = LIMITS.envelopeLifeDefaultMs;

describe('P9 stale, future, malformed timestamps', () => {
  test.each<readonly [string, JsonObject, ReturnType<typeof timesFault>]>([
    ['issued now', { atMs: NOW, expiresAtMs: NOW + LIFE }, null],
    ['read in the last millisecond of its life', { atMs: NOW + 1 - LIFE, expiresAtMs: NOW + 1 }, null],
    ['read when its life has ended', { atMs: NOW - LIFE, expiresAtMs: NOW }, 'stale'],
    ['of long ago', { atMs: 0, expiresAtMs: 1 }, 'stale'],
    ['by a clock that is ahead', { atMs: NOW + LIMITS.clockSkewMs, expiresAtMs: NOW + LIFE }, null],
    [
      'by a clock that is too far ahead',
      { atMs: NOW + LIMITS.clockSkewMs + 1, expiresAtMs: NOW + LIFE },
      'not_yet_valid',
    ],
    ['of the longest life', { atMs: NOW, expiresAtMs: NOW + LIMITS.envelopeLifeMs }, null],
    ['of a longer life', { atMs: NOW, expiresAtMs: NOW + LIMITS.envelopeLifeMs + 1 }, 'malformed_times'],
    ['expired when it was issued', { atMs: NOW, expiresAtMs: NOW }, 'malformed_times'],
    ['expired before it was issued', { atMs: NOW, expiresAtMs: NOW - 1 }, 'malformed_times'],
    ['without a time of issue', { expiresAtMs: NOW + LIFE }, 'malformed_times'],
    ['without an expiry', { atMs: NOW }, 'malformed_times'],
    ['with a text for a time', { atMs: `${NOW}`, expiresAtMs: NOW + LIFE }, 'malformed_times'],
    ['with half a millisecond', { atMs: NOW + 0.5, expiresAtMs: NOW + LIFE }, 'malformed_times'],
    ['with a null', { atMs: NOW, expiresAtMs: null }, 'malformed_times'],
    ['beyond whole numbers', { atMs: 2 ** 53, expiresAtMs: 2 ** 53 + 2 }, 'malformed_times'],
    ['before all time', { atMs: -1, expiresAtMs: NOW }, 'malformed_times'],
  ])('%s', (_name, times, fault) => {
    expect(timesFault({ by: 'anna', ...times }, NOW)).toBe(fault);
  });
});

describe('what is signed', () => {
  const at = { namespace: 'default', workflowId: 'w', name: 'decide' } as const;
  const said = { by: 'anna', kind: 'approve', arguments: { b: 1, a: [2] } };

  test('is everything but the signature, in one order', () => {
    const text =
      '{"name":"decide","namespace":"default","said":{"arguments":{"a":[2],"b":1},"by":"anna","kind":"approve"},"v":1,"workflowId":"w"}';
    expect(signedText(at, said)).toBe(text);
    expect(signedText(at, { ...said, signature: 'x' })).toBe(text);
  });

  test('means another thing at every other destination', () => {
    const texts = [
      at,
      { ...at, namespace: 'other' },
      { ...at, workflowId: 'v' },
      { ...at, name: 'resume' } as const,
    ].map((one) => signedText(one, said));
    expect(new Set(texts).size).toBe(4);
  });

  test('members of the envelope do not pass for its destination', () => {
    expect(signedText(at, { by: 'anna', workflowId: 'v' })).not.toBe(
      signedText({ ...at, workflowId: 'v' }, { by: 'anna' }),
    );
  });
});

describe('an envelope', () => {
  test('says who and where; the rest is taken where it has the right type', () => {
    expect(parseEnvelope({ by: 'anna' })).toEqual({ by: 'anna', channel: 'signal' });
    expect(
      parseEnvelope({ by: 'an\u0000na', channel: 'cli', atMs: 1, expiresAtMs: '2', signature: 3, more: 4 }),
    ).toEqual({ by: 'anna', channel: 'cli', atMs: 1 });
  });

  test.each([
    null,
    'anna',
    ['anna'],
    {},
    { by: '' },
    { by: '\u0000' },
    { by: 7 },
    { by: 'x'.repeat(LIMITS.personChars + 1) },
    { by: 'anna', channel: 7 },
    { by: 'anna', channel: 'x'.repeat(LIMITS.personChars + 1) },
  ])('%j is none', (value) => {
    expect(parseEnvelope(value)).toBeNull();
  });
});

describe('steering', () => {
  const signed = (...roles: string[]): Speaker => ({ identity: 'signed', roles });

  test('is for operators; requesters may end their own conversation', () => {
    expect(maySteer('raiseLimit', 'olga', 'customer', signed(OPERATOR))).toBe(true);
    expect(maySteer('raiseLimit', 'anna', 'customer', signed('approver'))).toBe(false);
    expect(maySteer('close', 'customer', 'customer', signed())).toBe(true);
    expect(maySteer('raiseLimit', 'customer', 'customer', signed())).toBe(false);
    expect(maySteer('close', 'other', 'customer', signed())).toBe(false);
  });

  test('where nobody can be known, whoever reaches Temporal may', () => {
    expect(maySteer('raiseLimit', 'x', 'customer', { identity: 'unverified', roles: [] })).toBe(true);
  });
});
