import type { Hash, RunId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { Head } from '../core/state.ts';
import type { ChainNode } from './chain.ts';
import type { Sql } from './connection.ts';

/** A map that forgets what was used longest ago once it holds more bytes than it may. */
export class Bounded<Value> {
  readonly #entries = new Map<string, { readonly value: Value; readonly bytes: number }>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** `bytes` is about what the value takes; one that is larger than everything may be is not kept. */
  set(key: string, value: Value, bytes: number): void {
    this.delete(key);
    if (bytes > this.#maxBytes) return;
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

/**
 * What this process has written or read last, so that the next step of a run need not ask the store for it again. A text is
 * named by its hash, and a conversation by its head, which no later writing changes: nothing here can be out of date.
 */
export interface Recent {
  readonly texts: Bounded<string>;
  /** By run: only the newest head of each is worth keeping. */
  readonly chains: Bounded<{ readonly head: Hash; readonly nodes: readonly ChainNode[] }>;
}

const RECENT = new WeakMap<Sql, Recent>();

export function recentOf(sql: Sql): Recent {
  const known = RECENT.get(sql);
  if (known !== undefined) return known;
  const recent = {
    texts: new Bounded<string>(LIMITS.recentTextBytes),
    chains: new Bounded<{ readonly head: Hash; readonly nodes: readonly ChainNode[] }>(
      LIMITS.recentChainBytes,
    ),
  };
  RECENT.set(sql, recent);
  return recent;
}

/** Everything is read from the store again, as by a process that has just started. */
export function forgetRecent(sql: Sql): void {
  RECENT.delete(sql);
}

export function rememberText(sql: Sql, run: RunId, hash: Hash, text: string): void {
  recentOf(sql).texts.set(`${run} ${hash}`, text, 2 * text.length);
}

export function recentText(sql: Sql, run: RunId, hash: Hash): string | undefined {
  return recentOf(sql).texts.get(`${run} ${hash}`);
}

/** `nodes` is the whole conversation, oldest first. */
export function rememberChain(sql: Sql, run: RunId, nodes: readonly ChainNode[]): void {
  const last = nodes.at(-1);
  if (last === undefined) return;
  // Its text, and the same again as the message it was parsed into.
  const bytes = nodes.reduce((sum, { body }) => sum + 4 * body.length, 0);
  recentOf(sql).chains.set(run, { head: last.hash, nodes }, bytes);
}

/** Of a run that has ended: nobody goes on from it. */
export function forgetChain(sql: Sql, run: RunId): void {
  recentOf(sql).chains.delete(run);
}

export function recentChain(sql: Sql, run: RunId, head: Head): readonly ChainNode[] | undefined {
  const known = recentOf(sql).chains.get(run);
  return known?.head === head.node ? known.nodes : undefined;
}
