import type { Client } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as wire from '../../../src/client.ts';
import { createHoldfastClient, HoldfastError } from '../../../src/client.ts';
import { type DecisionKeys, parseDecisionKeys } from '../../../src/control/keys.ts';
import { verifySignature } from '../../../src/control/signature.ts';
import { parseDecision } from '../../../src/core/approvals.ts';
import { type ControlName, timesFault } from '../../../src/core/control.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import { LIMITS } from '../../../src/core/limits.ts';

const SECRET = 'a-secret-of-thirty-two-characters';
const NOW = 1_800_000_000_000;
const APPROVAL = 'r00000000000000000000/1/0/1';

interface Sent {
  readonly workflowId: string;
  readonly name: string;
  readonly body: JsonObject;
}

/** A client of Temporal that keeps what is sent, as it would arrive: through JSON. */
function recorder(): { readonly client: Client; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const arrived = (body: unknown) => JSON.parse(JSON.stringify(body)) as JsonObject;
  const client = {
    options: { namespace: 'team-1' },
    withDeadline: (_deadline: Date, work: () => Promise<unknown>) => work(),
    workflow: {
      getHandle: (workflowId: string) => ({
        signal: async (definition: string | { readonly name: string }, body: unknown) => {
          const name = typeof definition === 'string' ? definition : definition.name;
          sent.push({ workflowId, name, body: arrived(body) });
        },
        executeUpdate: async (
          definition: { readonly name: string },
          options: { readonly args: unknown[] },
        ) => {
          sent.push({ workflowId, name: definition.name, body: arrived(options.args[0]) });
          return { kind: 'decided', state: 'approved' };
        },
      }),
    },
  };
  return { client: client as unknown as Client, sent };
}

function keys(): DecisionKeys {
  const parsed = parseDecisionKeys(SECRET);
  if (parsed.kind === 'bad') throw new Error(parsed.problem);
  return parsed.keys;
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const by = { workflowId: 'chat-1', by: 'anna', reason: 'because' };
const STEERING: readonly ControlName[] = [
  'pause',
  'resume',
  'retry',
  'cancel',
  'close',
  'handOver',
  'upgrade',
];

describe('with a decision key', () => {
  test('every word about a run is dated, given its life, and signed for that run and that message', async () => {
    const { client, sent } = recorder();
    const holdfast = createHoldfastClient({ client, decisionKey: SECRET });
    const decision = {
      workflowId: 'chat-1',
      approval: APPROVAL,
      kind: 'edit',
      by: 'anna',
      argsHash: 'aa',
      arguments: { amount: -0, note: 'lone \ud800 surrogate', ключ: [1e21, 0.1] },
    } as const;
    await holdfast.decide(decision);
    await holdfast.decideNow(decision);
    for (const name of STEERING) await holdfast[name as 'pause'](by);
    await holdfast.raiseLimit({ ...by, tokens: 5 });

    expect(sent.map(({ name }) => name)).toEqual(['decide', 'decideNow', ...STEERING, 'raiseLimit']);
    for (const { workflowId, name, body } of sent) {
      const signedAs = (name === 'decideNow' ? 'decide' : name) as ControlName;
      const at = { namespace: 'team-1', workflowId, name: signedAs };
      expect(verifySignature(keys(), at, body), name).toBe(true);
      expect(verifySignature(keys(), { ...at, workflowId: 'chat-2' }, body), name).toBe(false);
      expect(body).toMatchObject({
        by: 'anna',
        channel: 'api',
        atMs: NOW,
        expiresAtMs: NOW + LIMITS.envelopeLifeDefaultMs,
      });
      expect(timesFault(body, NOW)).toBeNull();
    }
    expect(parseDecision(sent[0]?.body)).toMatchObject({
      argsHash: 'aa',
      signature: sent[0]?.body.signature,
    });
    expect(JSON.stringify(sent)).not.toContain(SECRET);
  });

  test('a signature or times that come with the input are replaced, and the channel is kept', async () => {
    const { client, sent } = recorder();
    const holdfast = createHoldfastClient({
      client,
      decisionKey: SECRET,
      channel: 'web',
      envelopeLifeMs: 1_000,
    });
    await holdfast.pause({ ...by, atMs: 1, expiresAtMs: 2, signature: 'forged' });
    await holdfast.pause({ ...by, channel: 'chat' });
    expect(sent.map(({ body }) => body)).toMatchObject([
      { channel: 'web', atMs: NOW, expiresAtMs: NOW + 1_000 },
      { channel: 'chat', atMs: NOW, expiresAtMs: NOW + 1_000 },
    ]);
    for (const { body } of sent)
      expect(
        verifySignature(keys(), { namespace: 'team-1', workflowId: 'chat-1', name: 'pause' }, body),
      ).toBe(true);
  });

  test.each([
    ['', 'there is no key in it'],
    ['short-secret-1', 'has 14 characters'],
    [`${SECRET} short-secret-1`, 'key 2 of 2'],
  ])('a bad key is refused at once, and not told', (decisionKey, words) => {
    const { client } = recorder();
    let caught: unknown;
    try {
      createHoldfastClient({ client, decisionKey });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(HoldfastError);
    expect(caught).toMatchObject({ code: 'bad_options', message: expect.stringContaining(words) });
    expect(String(caught)).not.toContain('short-secret');
    expect(String(caught)).not.toContain(SECRET);
  });

  test.each([0, 1.5, LIMITS.envelopeLifeMs + 1, Number.NaN])(
    'a life of %d ms is refused',
    (envelopeLifeMs) => {
      const { client } = recorder();
      expect(() => createHoldfastClient({ client, envelopeLifeMs })).toThrow(
        /envelopeLifeMs is .*: a whole number/,
      );
    },
  );
});

describe('without one', () => {
  test('nothing is added but the channel, and what was signed elsewhere stays as it is', async () => {
    const { client, sent } = recorder();
    const signer = recorder();
    await createHoldfastClient({ client: signer.client, decisionKey: SECRET }).raiseLimit({
      ...by,
      tokens: 5,
    });
    const signed = signer.sent[0]?.body ?? {};
    const holdfast = createHoldfastClient({ client });
    await holdfast.retry(by);
    await holdfast.raiseLimit({ workflowId: 'chat-1', ...(signed as { readonly by: string }) });
    expect(sent).toEqual([
      { workflowId: 'chat-1', name: 'retry', body: { by: 'anna', channel: 'api', reason: 'because' } },
      { workflowId: 'chat-1', name: 'raiseLimit', body: signed },
    ]);
  });

  test.each([
    { workflowId: 'w', by: '' },
    { workflowId: 'w', by: 'x'.repeat(201) },
    { workflowId: 'w', by: 'anna', channel: 'x'.repeat(201) },
    { workflowId: 'w', by: 'anna', reason: 'x'.repeat(LIMITS.reasonChars + 1) },
  ])('a malformed envelope is refused here, since a run would drop it without a word', async (input) => {
    const { client, sent } = recorder();
    await expect(createHoldfastClient({ client }).pause(input)).rejects.toMatchObject({
      code: 'bad_steering',
    });
    expect(sent).toEqual([]);
  });
});

test('the names that are signed are the names of the signals', () => {
  const { pauseSignal, resumeSignal, retrySignal, cancelSignal, closeSignal, handOverSignal, upgradeSignal } =
    wire;
  const signals = [
    pauseSignal,
    resumeSignal,
    retrySignal,
    cancelSignal,
    closeSignal,
    handOverSignal,
    upgradeSignal,
  ];
  expect(signals.map((signal) => signal.name)).toEqual(STEERING);
  expect([wire.decideSignal.name, wire.raiseLimitSignal.name]).toEqual(['decide', 'raiseLimit']);
});
