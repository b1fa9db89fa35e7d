import { createHmac } from 'node:crypto';
import { LIMITS } from '../core/limits.ts';

// Signatures of the Standard Webhooks specification 1.0.0, symmetric scheme `v1`.

const PREFIX = 'whsec_';
/** Bytes of a secret, as the specification has them. */
const SECRET_BYTES = { least: 24, most: 64 } as const;

/** The keys in `text` (separated by spaces, the newest first), or what is wrong, without quoting a secret. */
export function readSecrets(text: string): readonly Buffer[] | string {
  const secrets = text.split(/\s+/).filter((secret) => secret !== '');
  if (secrets.length === 0) return 'has no secret in it';
  if (secrets.length > LIMITS.webhookSecrets) return `has more than ${LIMITS.webhookSecrets} secrets`;
  const keys: Buffer[] = [];
  for (const [i, secret] of secrets.entries()) {
    const base64 = secret.slice(PREFIX.length);
    const key = Buffer.from(base64, 'base64');
    if (!secret.startsWith(PREFIX))
      return `has a secret (number ${i + 1}) that does not begin with ${PREFIX}`;
    // Node decodes whatever it can; what does not come back as it was had a slip in it.
    if (key.toString('base64').replace(/=+$/, '') !== base64.replace(/=+$/, ''))
      return `has a secret (number ${i + 1}) that is not base64 after ${PREFIX}`;
    if (key.length < SECRET_BYTES.least || key.length > SECRET_BYTES.most)
      return `has a secret (number ${i + 1}) of ${key.length} bytes: it needs ${SECRET_BYTES.least} to ${SECRET_BYTES.most}`;
    keys.push(key);
  }
  return keys;
}

/** One signature for each key, so that a receiver may know the old secret or the new one. */
export function signWebhook(
  message: { readonly id: string; readonly timestampSeconds: number; readonly body: string },
  keys: readonly Buffer[],
): string {
  const signed = `${message.id}.${message.timestampSeconds}.${message.body}`;
  return keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`).join(' ');
}
