import { LIMITS } from '../core/limits.ts';
import type { Sql, Transaction } from './connection.ts';
import { checkAnchors, type KeptAnchor } from './integrityAnchors.ts';
import { checkChains } from './integrityChains.ts';
import { checkFacts } from './integrityFacts.ts';

/** One thing that is not as it was written. */
export interface Fault {
  readonly kind:
    | 'edited_row'
    | 'missing_row'
    | 'cut_tail'
    | 'missing_chain'
    /** The chain is whole, and is not the one an anchor has seen. */
    | 'rewritten_chain'
    | 'edited_anchor'
    | 'missing_anchor'
    /** Anchors are whole, and are not those one was kept of. */
    | 'rewritten_anchors'
    /** Something is on record that the audit has no word of. */
    | 'unaudited';
  readonly run: string | null;
  readonly seq: number | null;
  readonly anchor: number | null;
  /** In words, with the numbers above. */
  readonly problem: string;
}

export interface Integrity {
  readonly rows: number;
  readonly chains: number;
  readonly anchors: number;
  /** Null before the first anchor. */
  readonly newestAnchor: { readonly n: number; readonly hash: string; readonly atUs: number } | null;
  /** Rows that no anchor has seen yet: what happens to them shows only where it breaks a chain. */
  readonly unanchored: {
    readonly rows: number;
    readonly oldestUs: number | null;
    /** An anchor should have seen them by now: no worker runs, or anchors were removed. */
    readonly overdue: boolean;
  };
  /** The first is the first broken link; at most `LIMITS.auditFaults`, one for each chain. */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
}

export interface IntegrityOptions {
  /** Only this chain; anchors are checked all the same. */
  readonly run?: string;
  /** An anchor that was kept elsewhere. */
  readonly kept?: KeptAnchor;
  readonly onProgress?: (rows: number) => void;
}

/**
 * Checks anchors, chains, and that what is on record has its words in the audit. Reads one snapshot, a batch at a time;
 * memory does not grow with the audit. Order: anchors first, because chains are judged by them.
 */
export async function verifyAudit(sql: Sql, options: IntegrityOptions = {}): Promise<Integrity> {
  const { run = null, kept = null, onProgress = () => undefined } = options;
  const found = new Faults();
  const read = async (tx: Transaction): Promise<Integrity> => {
    // Both tables are kept in the order they are read in; sorting a year of audit would fill the disk instead.
    await tx`set local enable_sort = off`;
    const { distrusted, ...anchors } = await checkAnchors(tx, kept, found);
    const chains = await checkChains(tx, { run, distrusted, found, onProgress });
    await tx`set local enable_sort = on`;
    await checkFacts(tx, run, found);
    const unanchored = { ...chains.unanchored, overdue: await isOverdue(tx, chains.unanchored.oldestUs) };
    return { ...anchors, ...chains, unanchored, faults: found.first, faultCount: found.count };
  };
  return sql.begin('isolation level repeatable read read only', read) as Promise<Integrity>;
}

async function isOverdue(tx: Transaction, oldestUs: number | null): Promise<boolean> {
  const [row] = await tx<{ overdue: boolean | null }[]>`
    select ${oldestUs}::bigint < (extract(epoch from clock_timestamp()) * 1000 - ${LIMITS.unanchoredMs}) * 1000 as overdue`;
  return row?.overdue === true;
}

/** The first faults, and how many there are. */
export class Faults {
  readonly first: Fault[] = [];
  count = 0;

  add(fault: Partial<Fault> & Pick<Fault, 'kind' | 'problem'>): void {
    this.count++;
    if (this.first.length < LIMITS.auditFaults)
      this.first.push({ run: null, seq: null, anchor: null, ...fault });
  }
}
