/** Between the protocol's shapes (payloads, failures, durations, 64-bit numbers) and the plain values a test reads. */
import { defaultPayloadConverter } from '@temporalio/common';
import type { Failure, Payload } from './vm.ts';

/** A failure as plain data. `type` and `details` exist on application failures, `retryState` on activity failures. */
export interface FailureView {
  readonly kind: 'application' | 'activity' | 'timeout' | 'cancelled' | 'other';
  readonly message: string;
  readonly type?: string;
  readonly nonRetryable?: boolean;
  readonly details?: readonly unknown[];
  readonly timeout?: string;
  readonly retryState?: string;
  readonly activityType?: string;
  readonly cause?: FailureView;
}

export const TIMEOUT_TYPES = [
  'UNSPECIFIED',
  'START_TO_CLOSE',
  'SCHEDULE_TO_START',
  'SCHEDULE_TO_CLOSE',
  'HEARTBEAT',
];
export const RETRY_STATES = [
  'UNSPECIFIED',
  'IN_PROGRESS',
  'NON_RETRYABLE_FAILURE',
  'TIMEOUT',
  'MAXIMUM_ATTEMPTS_REACHED',
  'RETRY_POLICY_NOT_SET',
  'INTERNAL_SERVER_ERROR',
  'CANCEL_REQUESTED',
];

interface LongLike {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

export function encode(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

export function decode(payload: Payload | null | undefined): unknown {
  return payload == null ? undefined : defaultPayloadConverter.fromPayload(payload);
}

export function readSummary(
  metadata: { readonly summary?: Payload | null } | null | undefined,
): string | undefined {
  const summary = decode(metadata?.summary);
  return typeof summary === 'string' && summary !== '' ? summary : undefined;
}

/** A protocol duration in milliseconds; `undefined` where none was set. */
export function durationMs(duration: unknown): number | undefined {
  if (!isRecord(duration)) return undefined;
  const nanos = typeof duration.nanos === 'number' ? duration.nanos : 0;
  return toNumber(duration.seconds) * 1_000 + Math.round(nanos / 1_000_000);
}

export function toDuration(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(ms / 1_000), nanos: Math.round((ms % 1_000) * 1_000_000) };
}

export const toTimestamp = toDuration;

export function viewFailure(failure: Failure | null | undefined): FailureView {
  const message = failure?.message ?? '';
  const cause = failure?.cause != null ? { cause: viewFailure(failure.cause) } : {};
  if (failure?.applicationFailureInfo != null) {
    const info = failure.applicationFailureInfo;
    const details = (info.details?.payloads ?? []).map(decode);
    return {
      kind: 'application',
      message,
      ...(info.type ? { type: info.type } : {}),
      nonRetryable: info.nonRetryable ?? false,
      ...(details.length > 0 ? { details } : {}),
      ...cause,
    };
  }
  if (failure?.activityFailureInfo != null) {
    const info = failure.activityFailureInfo;
    const retryState = RETRY_STATES[Number(info.retryState ?? 0)] ?? 'UNSPECIFIED';
    return { kind: 'activity', message, retryState, activityType: info.activityType?.name ?? '', ...cause };
  }
  if (failure?.timeoutFailureInfo != null) {
    const timeout = TIMEOUT_TYPES[Number(failure.timeoutFailureInfo.timeoutType ?? 0)] ?? 'UNSPECIFIED';
    return { kind: 'timeout', message, timeout, ...cause };
  }
  if (failure?.canceledFailureInfo != null) return { kind: 'cancelled', message, ...cause };
  return { kind: 'other', message, ...cause };
}

/** The bytes a value's payloads take in the history; everything else is counted by event. */
export function payloadBytes(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + payloadBytes(item), 0);
  if (!isRecord(value)) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + payloadBytes(item), 0);
}

/** A protocol message as plain data: payloads decoded, 64-bit numbers as numbers, durations in milliseconds. */
export function toPlain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return bytesAsText(value);
  if (Array.isArray(value)) return value.map(toPlain);
  if (!isRecord(value)) return value;
  if (isLong(value)) return toNumber(value);
  if (isPayload(value)) return decode(value);
  const keys = Object.keys(value);
  if (keys.length === 2 && 'seconds' in value && 'nanos' in value) return durationMs(value);
  return Object.fromEntries(
    keys.filter((key) => value[key] != null).map((key) => [key, toPlain(value[key])] as const),
  );
}

/** One text for equal messages: keys sorted, bytes as text, nothing left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(canonical(value));
}

function canonical(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return bytesAsText(value);
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  if (isLong(value)) return toNumber(value);
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, canonical(value[key])] as const),
  );
}

function bytesAsText(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('utf8');
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (!isRecord(value) || !isLong(value)) return 0;
  return value.high * 2 ** 32 + (value.low >>> 0);
}

function isLong(value: object): value is LongLike {
  return 'low' in value && 'high' in value && 'unsigned' in value;
}

function isPayload(value: object): value is Payload {
  return 'metadata' in value && 'data' in value && ArrayBuffer.isView(value.data);
}

/** Objects made inside the VM have another realm's prototype, so `instanceof` would not do here. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
