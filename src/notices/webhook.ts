import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { LIMITS } from '../core/limits.ts';
import type { Notice } from '../store/notices.ts';
import { BlockedAddressError, checkedLookup, type Resolve, resolveName } from './addresses.ts';
import type { Endpoint } from './endpoint.ts';
import type { DeliveryResult, Notifier } from './notifier.ts';
import { signWebhook } from './signature.ts';

export interface WebhookOptions {
  readonly endpoint: Endpoint;
  /** The newest first. */
  readonly keys: readonly Buffer[];
  readonly nowMs?: () => number;
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
  /** Which addresses a name may have; for an endpoint on the allow list every one. */
  readonly isAllowed?: (address: string) => boolean;
}

/**
 * Sends notices by the rules of Standard Webhooks: signed, 2xx is delivered, 410 is never again for this notice, all
 * else is tried again. Redirects are not followed, and what is answered is not looked at.
 */
export function createWebhookNotifier(options: WebhookOptions): Notifier {
  return { name: 'webhook', deliver: (notice, signal) => deliver(options, notice, signal) };
}

async function deliver(
  options: WebhookOptions,
  notice: Notice,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const { endpoint, keys, nowMs = Date.now, timeoutMs = LIMITS.noticeTimeoutMs } = options;
  const cut = new AbortController();
  const abort = () => cut.abort();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const timer = setTimeout(abort, timeoutMs);
  const timestampSeconds = Math.floor(nowMs() / 1_000);
  try {
    const response = await post(endpoint.url, notice.body, {
      signal: cut.signal,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(notice.body),
        'user-agent': 'holdfast',
        'webhook-id': notice.id,
        'webhook-timestamp': timestampSeconds,
        'webhook-signature': signWebhook({ id: notice.id, timestampSeconds, body: notice.body }, keys),
      },
      lookup: endpoint.allowed
        ? checkedLookup(options.resolve ?? resolveName, () => true)
        : checkedLookup(options.resolve ?? resolveName, options.isAllowed),
    });
    return resultOf(response, nowMs());
  } catch (error) {
    if (signal.aborted) return { kind: 'retry', why: 'it was stopped' };
    if (cut.signal.aborted) return { kind: 'retry', why: `no answer within ${timeoutMs} ms` };
    return { kind: 'retry', why: whyOf(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** Resolves with status and one header, once the answer has been read to its end or to the limit, and thrown away. */
function post(url: URL, body: string, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    // A connection of its own: no pool could hold one open to an address that was not checked for this attempt.
    const request = send(url, { ...options, method: 'POST', agent: false });
    request.on('error', reject);
    request.once('response', (response: IncomingMessage) => {
      // The status stands, however the rest of the answer ends.
      request.off('error', reject).on('error', () => undefined);
      response.on('error', () => undefined);
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > LIMITS.webhookAnswerBytes) response.destroy();
      });
      response.once('close', () =>
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }),
      );
    });
    request.end(body);
  });
}

function resultOf({ status, retryAfter }: Answer, nowMs: number): DeliveryResult {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const why = `answered ${status}`;
  if (status === 410) return { kind: 'refused', why };
  const afterMs = retryAfterMs(retryAfter, nowMs);
  return { kind: 'retry', why, ...(afterMs !== null && { afterMs }) };
}

/** Seconds, or a date; null when it is absent or neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  if (!/^[A-Z][a-z]{2},? /.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** Codes, not messages: what a socket says may quote addresses of the inside. */
function whyOf(error: unknown): string {
  if (error instanceof BlockedAddressError)
    return 'its name resolves to an internal address (HOLDFAST_WEBHOOK_ALLOW lists those that are wanted)';
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return `could not be reached (${typeof code === 'string' ? code : String(name)})`;
}
