import type { LookupAddress } from 'node:dns';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { isPublicAddress } from '../../../src/notices/addresses.ts';
import { readSecrets } from '../../../src/notices/signature.ts';
import { createWebhookNotifier, retryAfterMs, type WebhookOptions } from '../../../src/notices/webhook.ts';
import type { Notice } from '../../../src/store/notices.ts';
import { endpointOf, isSigned, openReceiver, type Receiver, SECRET, status } from './receiver.ts';

const NOW_MS = Date.parse('2030-01-01T12:00:00.900Z');
const NOTICE: Notice = {
  id: 'msg_0123',
  type: 'approval.opened',
  body: '{"type": "approval.opened", "data": {"summary": "für Größe 5"}}',
  data: {},
};

function notifierOf(receiver: Pick<Receiver, 'endpoint'>, options: Partial<WebhookOptions> = {}) {
  const keys = readSecrets(SECRET);
  if (typeof keys === 'string') throw new Error(keys);
  return createWebhookNotifier({ endpoint: receiver.endpoint, keys, nowMs: () => NOW_MS, ...options });
}

function deliver(
  receiver: Pick<Receiver, 'endpoint'>,
  options: Partial<WebhookOptions> = {},
  signal = never(),
) {
  return notifierOf(receiver, options).deliver(NOTICE, signal);
}

function never(): AbortSignal {
  return new AbortController().signal;
}

describe('a webhook', () => {
  test('is signed over exactly the bytes that arrive, and says who it is from', async () => {
    await using receiver = await openReceiver();
    expect(await deliver(receiver)).toEqual({ kind: 'delivered' });
    const [received] = receiver.received;
    if (received === undefined) throw new Error('nothing came');
    expect(received).toMatchObject({
      method: 'POST',
      body: NOTICE.body,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'webhook-id': 'msg_0123',
        'webhook-timestamp': String(Math.floor(NOW_MS / 1_000)),
      },
    });
    expect(isSigned(received, SECRET)).toBe(true);
    // The check can fail.
    expect(isSigned({ ...received, body: `${received.body} ` }, SECRET)).toBe(false);
    expect(isSigned(received, `whsec_${Buffer.alloc(32, 8).toString('base64')}`)).toBe(false);
  });

  test('is signed with the new secret and the old one while they are rotated', async () => {
    await using receiver = await openReceiver();
    const old = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    const keys = readSecrets(`${SECRET} ${old}`) as readonly Buffer[];
    await deliver(receiver, { keys });
    const [received] = receiver.received;
    if (received === undefined) throw new Error('nothing came');
    expect([isSigned(received, SECRET), isSigned(received, old)]).toEqual([true, true]);
  });

  test.each([
    [200, { kind: 'delivered' }],
    [299, { kind: 'delivered' }],
    [301, { kind: 'retry', why: 'answered 301' }],
    [400, { kind: 'retry', why: 'answered 400' }],
    [404, { kind: 'retry', why: 'answered 404' }],
    [410, { kind: 'refused', why: 'answered 410' }],
    [429, { kind: 'retry', why: 'answered 429' }],
    [500, { kind: 'retry', why: 'answered 500' }],
    [503, { kind: 'retry', why: 'answered 503' }],
  ])('that is answered with %i: %o', async (code, result) => {
    await using receiver = await openReceiver(status(code));
    expect(await deliver(receiver)).toEqual(result);
  });

  test('is told when to come again', async () => {
    await using receiver = await openReceiver(status(503, { 'retry-after': '120' }));
    expect(await deliver(receiver)).toEqual({ kind: 'retry', why: 'answered 503', afterMs: 120_000 });
    receiver.answer = status(429, { 'retry-after': 'Tue, 01 Jan 2030 12:01:00 GMT' });
    expect(await deliver(receiver)).toMatchObject({ afterMs: 59_100 });
  });

  test.each(['', ' ', '-5', '1.5', 'soon', '99999999999', 'Tue, 99 Foo'])(
    'with a wait of "%s" in no known form waits as usual',
    (header) => expect(retryAfterMs(header, NOW_MS)).toBeNull(),
  );
  test('with a wait until a time that is past is due at once', () => {
    expect(retryAfterMs('Mon, 01 Jan 2029 00:00:00 GMT', NOW_MS)).toBe(0);
    expect(retryAfterMs(undefined, NOW_MS)).toBeNull();
  });

  test('does not follow a redirect', async () => {
    await using other = await openReceiver();
    await using receiver = await openReceiver(
      status(307, { location: `http://127.0.0.1:${other.port}/stolen` }),
    );
    expect(await deliver(receiver)).toMatchObject({ kind: 'retry' });
    expect(other.received).toHaveLength(0);
  });

  test('does not read an endless answer: the status has been said', async () => {
    let written = 0;
    await using receiver = await openReceiver((response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(8_192))) written += 8_192;
      };
      response.on('drain', more);
      more();
    });
    expect(await deliver(receiver)).toEqual({ kind: 'delivered' });
    expect(written).toBeLessThan(LIMITS.webhookAnswerBytes + 64 * 1024 * 1024);
  });

  test('that is answered by silence is tried again', async () => {
    await using receiver = await openReceiver(() => undefined);
    expect(await deliver(receiver, { timeoutMs: 50 })).toEqual({
      kind: 'retry',
      why: 'no answer within 50 ms',
    });
  });

  test('whose answer breaks off in the middle counts by the status that came', async () => {
    await using receiver = await openReceiver((response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    expect(await deliver(receiver)).toEqual({ kind: 'delivered' });
  });

  test('ends when it is told to', async () => {
    const stop = new AbortController();
    await using receiver = await openReceiver(() => stop.abort());
    expect(await deliver(receiver, {}, stop.signal)).toEqual({ kind: 'retry', why: 'it was stopped' });
    expect(await deliver(receiver, {}, stop.signal)).toEqual({ kind: 'retry', why: 'it was stopped' });
    expect(receiver.received).toHaveLength(1);
  });

  test('over https speaks TLS or not at all', async () => {
    await using receiver = await openReceiver();
    const endpoint = endpointOf(`https://127.0.0.1:${receiver.port}/hook`, `127.0.0.1:${receiver.port}`);
    expect(await deliver({ endpoint })).toEqual({ kind: 'retry', why: 'could not be reached (EPROTO)' });
    expect(receiver.received).toHaveLength(0);
  });

  test('to nobody says so without addresses of the inside', async () => {
    const receiver = await openReceiver();
    await receiver[Symbol.asyncDispose]();
    expect(await deliver(receiver)).toEqual({ kind: 'retry', why: 'could not be reached (ECONNREFUSED)' });
  });
});

describe('a webhook never reaches what only the inside can', () => {
  const resolvesTo = (...answers: readonly string[][]) => {
    let asked = 0;
    const resolve = async (): Promise<readonly LookupAddress[]> => {
      const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
      asked++;
      return addresses.map((address) => ({ address, family: 4 }));
    };
    return { resolve, asked: () => asked };
  };

  test('a name that resolves to loopback is not connected to', async () => {
    await using receiver = await openReceiver();
    // The port is there: without the check it would be reached.
    await new Promise<void>((done) => {
      const socket = connect(receiver.port, '127.0.0.1', () => {
        socket.destroy();
        done();
      });
    });
    const endpoint = endpointOf(`https://hooks.example.com:${receiver.port}/hook`);
    const { resolve, asked } = resolvesTo(['127.0.0.1']);
    expect(await deliver({ endpoint }, { resolve })).toMatchObject({
      kind: 'retry',
      why: expect.stringContaining('resolves to an internal address'),
    });
    expect(asked()).toBe(1);
    expect(receiver.received).toHaveLength(0);
  });

  test('localhost is not connected to', async () => {
    await using receiver = await openReceiver();
    const endpoint = endpointOf(`https://localhost:${receiver.port}/hook`);
    expect(await deliver({ endpoint })).toMatchObject({ why: expect.stringContaining('internal address') });
    expect(receiver.received).toHaveLength(0);
  });

  test('a name that changes between check and connection changes nothing: it is resolved once', async () => {
    await using receiver = await openReceiver();
    // Plays public and internal on loopback: 127.0.0.1 stands for the public address, the next answer for an internal.
    const endpoint = { url: new URL(`http://rebind.example.com:${receiver.port}/hook`), allowed: false };
    const { resolve, asked } = resolvesTo(['127.0.0.1'], ['127.0.0.2']);
    const seen: string[] = [];
    const isAllowed = (address: string) => {
      seen.push(address);
      return address === '127.0.0.1';
    };
    expect(await deliver({ endpoint }, { resolve, isAllowed })).toEqual({ kind: 'delivered' });
    expect({ asked: asked(), seen, received: receiver.received.length }).toEqual({
      asked: 1,
      seen: ['127.0.0.1'],
      received: 1,
    });
    // The second answer is internal, and the next attempt, which asks again, does not go there.
    expect(await deliver({ endpoint }, { resolve, isAllowed })).toMatchObject({ kind: 'retry' });
    expect(receiver.received).toHaveLength(1);
  });

  test('an endpoint on the allow list may be internal', async () => {
    await using receiver = await openReceiver();
    const endpoint = endpointOf(`http://in-house:${receiver.port}/hook`, `in-house:${receiver.port}`);
    const { resolve } = resolvesTo(['127.0.0.1']);
    expect(isPublicAddress('127.0.0.1')).toBe(false);
    expect(await deliver({ endpoint }, { resolve })).toEqual({ kind: 'delivered' });
  });
});
