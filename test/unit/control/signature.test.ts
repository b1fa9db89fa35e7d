import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DecisionKeys, parseDecisionKeys } from '../../../src/control/keys.ts';
import { signEnvelope, verifySignature } from '../../../src/control/signature.ts';
import { type Destination, signedText } from '../../../src/core/control.ts';
import { canonicalJson, isObject, type Json, type JsonObject } from '../../../src/core/json.ts';

const SECRET = 'a-secret-of-thirty-two-characters';
const OTHER = 'another-secret-of-some-characters';
const KEYS = keysOf(SECRET);
const AT: Destination = { namespace: 'default', workflowId: 'chat-1', name: 'decide' };
const TIMES = { atMs: 1_800_000_000_000, expiresAtMs: 1_800_000_600_000 };
const SAID = { by: 'anna', channel: 'cli', approval: 'r0/1/0/1', kind: 'approve', argsHash: 'aa' };
const SIGNED = signEnvelope(KEYS, AT, SAID, TIMES);

function keysOf(text: string): DecisionKeys {
  const parsed = parseDecisionKeys(text);
  if (parsed.kind === 'bad') throw new Error(parsed.problem);
  return parsed.keys;
}

describe('a signature', () => {
  test('is the HMAC-SHA-256 of the signed text, in lower-case hex, so that others can make it', () => {
    const text = signedText(AT, { ...SAID, ...TIMES });
    expect(SIGNED.signature).toBe(createHmac('sha256', SECRET).update(text).digest('hex'));
    expect(SIGNED).toEqual({ ...SAID, ...TIMES, signature: SIGNED.signature });
    expect(verifySignature(KEYS, AT, SIGNED)).toBe(true);
  });

  test.each<readonly [string, Partial<Destination>]>([
    ['another run', { workflowId: 'chat-2' }],
    ['another namespace', { namespace: 'staging' }],
    ['another message', { name: 'raiseLimit' }],
  ])('P8 captured signed decision replayed on another run: %s', (_name, elsewhere) => {
    expect(verifySignature(KEYS, { ...AT, ...elsewhere }, SIGNED)).toBe(false);
  });

  const good = SIGNED.signature;
  test.each<readonly [string, Json]>([
    ['empty', ''],
    ['truncated', good.slice(0, -1)],
    ['truncated to its first byte', good.slice(0, 2)],
    ['too long', `${good}00`],
    ['with a line break after it', `${good}\n`],
    ['with a space before it', ` ${good}`],
    ['upper case', good.toUpperCase()],
    ['one letter upper case', good.replace(/[a-f]/, (letter) => letter.toUpperCase())],
    ['no hex', good.replace(/.$/, 'g')],
    ['of a wrong key', signEnvelope(keysOf(OTHER), AT, SAID, TIMES).signature],
    ['a number', 7],
    ['null', null],
    ['a list', [good]],
    ['all zeros', '0'.repeat(64)],
  ])('P10 signature empty, truncated, wrong key, wrong case: %s', (_name, signature) => {
    expect(verifySignature(KEYS, AT, { ...SIGNED, signature })).toBe(false);
  });

  test('P10 a missing signature, and what canonical JSON cannot write, are refused and do not throw', () => {
    const { signature: _, ...unsigned } = SIGNED;
    expect(verifySignature(KEYS, AT, unsigned)).toBe(false);
    expect(verifySignature(KEYS, AT, { ...SIGNED, more: JSON.parse('1e999') })).toBe(false);
    const deep = JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`) as Json;
    expect(verifySignature(KEYS, AT, { ...SIGNED, more: deep })).toBe(false);
  });
});

/** A change of one envelope, and whether it means another thing. */
interface Change {
  readonly envelope: JsonObject;
  readonly another: boolean;
}

const word = fc.string({ maxLength: 12, unit: 'binary' });
const anyJson = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const saidAny = fc
  .dictionary(fc.oneof(word, fc.constantFrom('arguments', 'reason', 'learn', '__proto__')), anyJson, {
    maxKeys: 6,
    noNullPrototype: true,
  })
  .map((more): JsonObject => ({ ...more, by: 'anna', kind: 'edit' }));

function reordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(reordered);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reordered(member as Json)]),
  );
}

function changes(envelope: JsonObject): fc.Arbitrary<Change> {
  const keys = Object.keys(envelope).filter((key) => key !== 'signature');
  const key = fc.constantFrom(...keys);
  const differs = (changed: JsonObject) => canonicalJson(changed) !== canonicalJson(envelope);
  const own = (name: string, value: Json): JsonObject =>
    Object.fromEntries([...Object.entries(envelope).filter(([other]) => other !== name), [name, value]]);
  return fc
    .oneof(
      fc.record({ key, value: anyJson }).map((change) => own(change.key, change.value)),
      fc.record({ key: word, value: anyJson }).map((added) => own(added.key, added.value)),
      key.map((gone): JsonObject => {
        const { [gone]: _, ...rest } = envelope;
        return rest;
      }),
      fc.constant(reordered(envelope) as JsonObject),
      fc.constant(JSON.parse(JSON.stringify(envelope, null, 2)) as JsonObject),
    )
    .map((changed) => ({ envelope: changed, another: differs(changed) }));
}

type Sign = (said: JsonObject) => JsonObject;
type Verify = (envelope: JsonObject) => boolean;

/** Any one member changed, added or taken away is refused; the same members in another order are the same word. */
function holds(
  sign: Sign,
  verify: Verify,
): {
  readonly failed: boolean;
  readonly report: string;
  readonly refused: number;
  readonly passed: number;
} {
  let refused = 0;
  let passed = 0;
  const property = fc.property(
    saidAny.map(sign).chain((envelope) => changes(envelope)),
    ({ envelope, another }) => {
      const accepted = verify(envelope);
      if (accepted) passed++;
      else refused++;
      return accepted !== another;
    },
  );
  const details = fc.check(property, { numRuns: 2_000, seed: 4 });
  return { failed: details.failed, report: fc.defaultReportMessage(details) ?? '', refused, passed };
}

describe('one member changed, added, taken away or moved', () => {
  test('changed means refused, moved means the same', () => {
    const result = holds(
      (said) => signEnvelope(KEYS, AT, said, TIMES),
      (envelope) => verifySignature(KEYS, AT, envelope),
    );
    expect(result.report).toBe('');
    expect(result.refused).toBeGreaterThan(500);
    expect(result.passed).toBeGreaterThan(300);
  });

  test.each<readonly [string, (envelope: JsonObject) => string]>([
    [
      'covers the members it knows only',
      ({ by, kind, atMs, expiresAtMs }) => canonicalJson({ by, kind, atMs, expiresAtMs }),
    ],
    ['depends on the order', (envelope) => JSON.stringify({ ...envelope, signature: '' })],
    [
      'leaves out what is null',
      (envelope) =>
        canonicalJson(
          Object.fromEntries(
            Object.entries(envelope).filter(([key, value]) => key !== 'signature' && value !== null),
          ),
        ),
    ],
  ])('and a signature that %s is caught', (_name, text) => {
    const mac = (envelope: JsonObject) => createHmac('sha256', SECRET).update(text(envelope)).digest('hex');
    const result = holds(
      (said) => ({ ...said, ...TIMES, signature: mac({ ...said, ...TIMES }) }),
      (envelope) => envelope.signature === mac(envelope),
    );
    expect(result.failed).toBe(true);
  });
});

describe('decision keys', () => {
  test('the first signs, all verify, so that one can replace another', () => {
    const both = keysOf(`${OTHER}  ${SECRET}\n`);
    expect(both).toHaveLength(2);
    expect(verifySignature(both, AT, SIGNED)).toBe(true);
    const renewed = signEnvelope(both, AT, SAID, TIMES);
    expect(verifySignature(keysOf(OTHER), AT, renewed)).toBe(true);
    expect(verifySignature(KEYS, AT, renewed)).toBe(false);
  });

  test.each([
    ['', /^there is no key/],
    ['x'.repeat(31), /^key 1 of 1 has 31 characters: a key has at least 32/],
    [`${SECRET} short`, /^key 2 of 2 has 5 characters/],
    [Array.from({ length: 5 }, (_, i) => `${SECRET}${i}`).join(' '), /^there are 5 keys, at most 4/],
  ])('"%s" is refused in words that do not tell it', (text, words) => {
    const parsed = parseDecisionKeys(text);
    expect(parsed).toMatchObject({ kind: 'bad', problem: expect.stringMatching(words) });
    for (const part of text.split(' ').filter((one) => one !== ''))
      expect(JSON.stringify(parsed)).not.toContain(part.slice(0, 10));
  });

  test('never print what they are', () => {
    const shown = [inspect(KEYS, { depth: 9, showHidden: true }), JSON.stringify(KEYS), String(KEYS)].join();
    for (const form of [SECRET, Buffer.from(SECRET).toString('hex'), Buffer.from(SECRET).toString('base64')])
      expect(shown).not.toContain(form);
  });
});
