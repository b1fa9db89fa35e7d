import { canonicalJson, isObject, type JsonObject } from './json.ts';
import { LIMITS } from './limits.ts';
import { isName } from './names.ts';
import { wellFormed } from './text.ts';

/**
 * What people say to a run: one envelope around every decision and every steering signal, with who, where and when.
 *
 * C1. An envelope says who speaks; whether that is so is checked by an activity (`verifyControls`), in order of arrival.
 * C2. With a decision key, only what is signed counts, except `pause` and `cancel`: stopping must never need a key.
 * C3. A signature covers the namespace, the workflow id, the name of the message and every member of the envelope.
 * C4. What is signed counts for a time: it is read by the time at which it was received, never by when it was verified.
 * C5. Signed steering counts once. Decisions need no such rule: an approval is decided once, and nobody votes twice.
 */
export interface Envelope {
  readonly by: string;
  /** Where it was said: `cli`, `ui`, `api`, `chat`, … Default `signal`. */
  readonly channel?: string;
  /** Time of issue and of expiry, epoch milliseconds. Both are needed where it is signed. */
  readonly atMs?: number;
  readonly expiresAtMs?: number;
  /** Lower-case hex HMAC-SHA-256 of `signedText`. */
  readonly signature?: string;
}

export type ControlName =
  | 'decide'
  | 'pause'
  | 'resume'
  | 'retry'
  | 'cancel'
  | 'close'
  | 'handOver'
  | 'raiseLimit'
  | 'upgrade';

/** A control message that waits for its verification. */
export interface Control {
  /** Counts up within a run; the order of arrival. */
  readonly n: number;
  readonly name: ControlName;
  /** The approval it speaks about; empty for steering. */
  readonly approval: string;
  /** As it came, unknown members included: the signature covers them. */
  readonly body: JsonObject;
  /** The workflow's time in its handler. */
  readonly receivedAtMs: number;
  /** It was read at or after the deadline: only the server knows whether it came in time. */
  readonly late: boolean;
}

/** Why a control message does not count, whatever it says. */
export type ControlFault =
  | 'unsigned'
  | 'bad_signature'
  | 'malformed_times'
  | 'stale'
  | 'not_yet_valid'
  | 'replayed'
  | 'unknown_person'
  | 'inactive_person'
  | 'service_account'
  | 'other_tenant';

/** What is known of the one who speaks, when it was verified. */
export interface Speaker {
  readonly identity: 'signed' | 'unverified';
  /** Current roles in the directory; none for people it does not know. */
  readonly roles: readonly string[];
}

/** The result for one control message: `speaker` where it may count. */
export type Verified =
  | {
      readonly n: number;
      readonly kind: 'ok';
      readonly speaker: Speaker;
      /** When the server received it, where that was asked for (`late`) and is known. */
      readonly arrivedAtMs: number | null;
    }
  | { readonly n: number; readonly kind: 'refused'; readonly why: ControlFault };

/** The role that may steer runs of others. */
export const OPERATOR = 'operator';

/** May this person send this signal? Requesters may end their own conversation; everything else is for operators. */
export function maySteer(name: ControlName, by: string, requester: string, speaker: Speaker): boolean {
  if (speaker.identity === 'unverified') return true;
  if (by === requester) return name === 'close' || name === 'cancel' || name === 'handOver';
  return speaker.roles.includes(OPERATOR);
}

/** Where an envelope is sent: part of what is signed, so that it means nothing anywhere else. */
export interface Destination {
  readonly namespace: string;
  readonly workflowId: string;
  readonly name: ControlName;
}

/**
 * What a signature is computed over: canonical JSON of everything but the signature itself. Throws a TypeError for
 * what is not plain JSON.
 */
export function signedText(at: Destination, envelope: JsonObject): string {
  const { signature: _, ...said } = envelope;
  const { namespace, workflowId, name } = at;
  return canonicalJson({ v: 1, namespace, workflowId, name, said });
}

/** What is wrong with the times of a signed envelope that was received at this time; null when it may count. */
export function timesFault(
  envelope: JsonObject,
  receivedAtMs: number,
): Extract<ControlFault, 'malformed_times' | 'not_yet_valid' | 'stale'> | null {
  const { atMs, expiresAtMs } = envelope;
  if (!isTime(atMs) || !isTime(expiresAtMs)) return 'malformed_times';
  if (expiresAtMs <= atMs || expiresAtMs - atMs > LIMITS.envelopeLifeMs) return 'malformed_times';
  if (atMs > receivedAtMs + LIMITS.clockSkewMs) return 'not_yet_valid';
  return receivedAtMs >= expiresAtMs ? 'stale' : null;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Checks the shape of an envelope's own members; null when it may go on. */
export function parseEnvelope(value: unknown): (Envelope & { readonly channel: string }) | null {
  if (!isObject(value)) return null;
  const { by, channel = 'signal', atMs, expiresAtMs, signature } = value;
  if (!isName(by)) return null;
  if (typeof channel !== 'string' || channel.length > LIMITS.personChars) return null;
  return {
    by: wellFormed(by),
    channel: wellFormed(channel),
    ...(typeof atMs === 'number' && { atMs }),
    ...(typeof expiresAtMs === 'number' && { expiresAtMs }),
    ...(typeof signature === 'string' && { signature }),
  };
}
