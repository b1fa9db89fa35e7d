import { describe, expect, test } from 'vitest';
import { readSecrets, signWebhook } from '../../../src/notices/signature.ts';

describe('signatures of Standard Webhooks', () => {
  test('the published vector comes out', () => {
    const keys = readSecrets('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestampSeconds: 1614265330,
      body: '{"test": 2432232314}',
    };
    expect(signWebhook(message, keys as readonly Buffer[])).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  test('every byte of id, time and body counts, and each key signs for itself', async () => {
    const keys = [Buffer.alloc(24, 1), Buffer.alloc(64, 2)];
    const message = { id: 'msg_1', timestampSeconds: 1, body: 'grüße' };
    const signatures = signWebhook(message, keys).split(' ');
    expect(signatures).toHaveLength(2);
    for (const [i, key] of keys.entries()) {
      // Another implementation of the same: the browser's.
      const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, [
        'sign',
      ]);
      const expected = await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode('msg_1.1.grüße'));
      expect(signatures[i]).toBe(`v1,${Buffer.from(expected).toString('base64')}`);
    }
    const others = [
      { ...message, id: 'msg_2' },
      { ...message, timestampSeconds: 2 },
      { ...message, body: 'grüsse' },
    ].map((other) => signWebhook(other, keys));
    expect(new Set([signWebhook(message, keys), ...others]).size).toBe(4);
  });
});

describe('secrets', () => {
  const good = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
  const long = `whsec_${Buffer.alloc(65, 1).toString('base64')}`;

  test('one, or several while they are rotated', () => {
    expect(readSecrets(good)).toEqual([Buffer.alloc(24, 1)]);
    expect(readSecrets(` ${good}   ${good.replace(/=+$/, '')} `)).toHaveLength(2);
  });

  test.each([
    ['', 'has no secret'],
    ['QUJD', 'does not begin with whsec_'],
    ['whsec_QUJD', 'of 3 bytes: it needs 24 to 64'],
    [long, 'of 65 bytes'],
    [`${good} whsec_QUJD!`, 'number 2) that is not base64'],
    [Array.from({ length: 5 }, () => good).join(' '), 'more than 4'],
  ])('a wrong one is named by number and never quoted: %s', (text, words) => {
    const problem = readSecrets(text);
    expect(problem).toContain(words);
    expect(problem).not.toContain('QUJD');
  });
});
