import type { Usage } from '../../core/messages.ts';
import type { PrefixLink } from './prefix.ts';

/** How many blocks before a marker the API still looks for an entry. */
const LOOKBACK_BLOCKS = 20;
const MAX_ENTRIES = 100_000;
const BYTES_PER_TOKEN = 4;

/**
 * The prompt cache of one server: which prefixes were marked before. A simple model of the real one: entries never
 * expire and there is no smallest cacheable prefix, so that a short test already shows reads and writes.
 */
export interface PromptCache {
  /** What the input of this request costs; output is 0. Remembers nothing. */
  price(model: string, chain: readonly PrefixLink[]): Usage;
  /** Call it once the answer starts: from then on its marked prefixes can be read. */
  remember(model: string, chain: readonly PrefixLink[]): void;
}

export function openPromptCache(): PromptCache {
  const entries = new Set<string>();

  return {
    price(model, chain) {
      const marked = chain.flatMap((link, position) => (link.ttl === null ? [] : [position]));
      const known = (position: number): boolean => {
        const link = chain[position];
        return link !== undefined && entries.has(`${model} ${link.digest}`);
      };
      let read = -1;
      for (const position of marked)
        for (let back = 0; back < LOOKBACK_BLOCKS && position - back > read; back += 1)
          if (known(position - back)) {
            read = position - back;
            break;
          }
      let covered = tokensOf(chain[read]?.bytes ?? 0);
      const cacheReadTokens = covered;
      const written = { '5m': 0, '1h': 0 };
      for (const position of marked) {
        const link = chain[position];
        if (position <= read || link === undefined || link.ttl === null) continue;
        written[link.ttl] += tokensOf(link.bytes) - covered;
        covered = tokensOf(link.bytes);
      }
      return {
        inputTokens: tokensOf(chain.at(-1)?.bytes ?? 0) - covered,
        outputTokens: 0,
        cacheWrite5mTokens: written['5m'],
        cacheWrite1hTokens: written['1h'],
        cacheReadTokens,
      };
    },
    remember(model, chain) {
      for (const link of chain) if (link.ttl !== null) entries.add(`${model} ${link.digest}`);
      for (const oldest of entries) {
        if (entries.size <= MAX_ENTRIES) break;
        entries.delete(oldest);
      }
    },
  };
}

/** A quarter of the UTF-8 bytes, rounded up. An estimate, but the same one every time. */
export function tokensOf(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
