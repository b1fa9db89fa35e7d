import { createHash, type Hash as Hasher } from 'node:crypto';
import { LIMITS } from '../core/limits.ts';
import type { Sql } from './connection.ts';

/**
 * Anchors of the audit (the statement is a function in migrations/0004_anchors.sql).
 *
 * N1. Anchor `n` commits to anchor `n - 1` and to the newest row of every chain that moved since: so to every head.
 * N2. Numbers have no gaps. Nothing is written while nothing moves, so time says nothing and a number everything.
 * N3. Whoever can write the whole database can write new anchors too. An anchor kept elsewhere is what shows that.
 */
export interface Anchor {
  readonly n: number;
  /** Microseconds since 1970, by the database's clock. */
  readonly at_us: number;
  /** Chains that had moved. */
  readonly heads: number;
  readonly hash: string;
}

/**
 * Writes the anchor that is due. Null: another worker is at it, this period of `everyMs` has its anchor, or nothing has
 * moved. With 0 time does not matter.
 */
export async function writeAnchor(sql: Sql, everyMs: number): Promise<Anchor | null> {
  const [anchor] = await sql<Anchor[]>`select * from write_anchor(${everyMs}, ${LIMITS.anchorHeads})`;
  return anchor ?? null;
}

export async function newestAnchor(sql: Sql): Promise<Anchor | null> {
  const [anchor] = await sql<Anchor[]>`select n, at_us, heads, hash from anchors order by n desc limit 1`;
  return anchor ?? null;
}

/** What the first anchor follows. */
export const FIRST_ANCHOR_FOLLOWS = 'anchors';

/** Takes the heads of an anchor one by one, ordered by the bytes of their run, and gives the hash it must have. */
export function hashAnchor(previous: string, anchor: Omit<Anchor, 'hash'>): AnchorHasher {
  const hasher: Hasher = createHash('sha256');
  hasher.update([previous, anchor.n, anchor.at_us, anchor.heads].join('\n'), 'utf8');
  return {
    add: (head) => hasher.update(`\n${head.seq} ${head.hash} ${head.run}`, 'utf8'),
    digest: () => hasher.digest('hex'),
  };
}

export interface AnchorHasher {
  add(head: { readonly run: string; readonly seq: number; readonly hash: string }): void;
  digest(): string;
}

/**
 * Writes anchors until it is stopped. Every worker does this; the database lets one of them. A failure is told once
 * and tried again in the next period: what was not anchored then is anchored later.
 */
export function startAnchors(
  sql: Sql,
  options: { readonly everyMs?: number; readonly onFailure?: (error: unknown) => void } = {},
): { stop(): Promise<void> } {
  const { everyMs = LIMITS.anchorEveryMs, onFailure = warn } = options;
  let stopped = false;
  let failing = false;
  let working: Promise<void> = Promise.resolve();
  const work = async () => {
    try {
      let anchor: Anchor | null;
      do {
        anchor = await writeAnchor(sql, everyMs);
      } while (!stopped && anchor?.heads === LIMITS.anchorHeads);
      failing = false;
    } catch (error) {
      if (!failing) onFailure(error);
      failing = true;
    }
  };
  let timer: NodeJS.Timeout;
  const wait = () => {
    timer = setTimeout(() => {
      working = work().then(() => {
        if (!stopped) wait();
      });
    }, everyMs);
  };
  wait();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}

function warn(error: unknown): void {
  process.emitWarning(
    `the audit cannot be anchored (${error instanceof Error ? error.message : error}); it is tried again every minute`,
  );
}
