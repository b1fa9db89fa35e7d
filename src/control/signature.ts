import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type Destination, type Envelope, signedText } from '../core/control.ts';
import type { JsonObject } from '../core/json.ts';
import type { DecisionKeys } from './keys.ts';

/** An envelope that may count where only signed ones do. */
export type Signed<Said extends JsonObject> = Said &
  Required<Pick<Envelope, 'atMs' | 'expiresAtMs' | 'signature'>>;

/** Says when it was said and how long it counts, and signs it: with the first key, for this destination only. */
export function signEnvelope<Said extends JsonObject>(
  keys: DecisionKeys,
  at: Destination,
  said: Said,
  times: { readonly atMs: number; readonly expiresAtMs: number },
): Signed<Said> {
  const envelope = { ...said, ...times };
  return { ...envelope, signature: macOf(keys[0], signedText(at, envelope)).toString('hex') };
}

/** Did one of the keys sign exactly this, for exactly this destination? Takes as long for a near miss as for any. */
export function verifySignature(keys: DecisionKeys, at: Destination, body: JsonObject): boolean {
  const { signature } = body;
  if (typeof signature !== 'string' || !/^[0-9a-f]{64}$/.test(signature)) return false;
  const came = Buffer.from(signature, 'hex');
  const text = textOf(at, body);
  if (text === null) return false;
  return keys.map((key) => timingSafeEqual(macOf(key, text), came)).includes(true);
}

function macOf(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

/** What JSON can carry and canonical JSON cannot (a number beyond all bounds, nesting without end) nobody has signed. */
function textOf(at: Destination, body: JsonObject): string | null {
  try {
    return signedText(at, body);
  } catch {
    return null;
  }
}
