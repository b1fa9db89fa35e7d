import { isObject } from '../core/json.ts';
import type { Usage } from '../core/messages.ts';

/**
 * The API's `usage` object as our five counts. Null, missing or senseless counts are 0. Cache writes that the split
 * by lifetime does not explain count as five-minute writes, the kind we ask for.
 */
export function toUsage(raw: unknown): Usage {
  const usage = isObject(raw) ? raw : {};
  const split = isObject(usage.cache_creation) ? usage.cache_creation : {};
  const cacheWrite1hTokens = count(split.ephemeral_1h_input_tokens);
  const written = count(usage.cache_creation_input_tokens);
  return {
    inputTokens: count(usage.input_tokens),
    outputTokens: count(usage.output_tokens),
    cacheWrite5mTokens: Math.max(count(split.ephemeral_5m_input_tokens), written - cacheWrite1hTokens, 0),
    cacheWrite1hTokens,
    cacheReadTokens: count(usage.cache_read_input_tokens),
  };
}

/** A later usage of the same stream is a total, not an addition: what it names replaces, what it omits or nulls stays. */
export function mergeUsage(earlier: unknown, later: unknown): Readonly<Record<string, unknown>> {
  const stated = isObject(later) ? Object.entries(later).filter(([, value]) => value != null) : [];
  return { ...(isObject(earlier) ? earlier : {}), ...Object.fromEntries(stated) };
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
