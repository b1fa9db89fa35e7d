import { LIMITS } from '../core/limits.ts';
import { type AuditRow, follows } from './audit.ts';
import type { Transaction } from './connection.ts';
import type { Fault, Faults, Integrity } from './integrity.ts';

/** A row of a chain, or (with `anchor`) what an anchor has seen there. Equal places stand together. */
interface Entry extends AuditRow {
  readonly run: string;
  readonly anchor: number | null;
}

interface CheckedChains extends Pick<Integrity, 'rows' | 'chains'> {
  readonly unanchored: Omit<Integrity['unanchored'], 'overdue'>;
}

interface ChainOptions {
  readonly run: string | null;
  readonly distrusted: ReadonlySet<number>;
  readonly found: Faults;
  readonly onProgress: (rows: number) => void;
}

/** Follows every chain from its first row, and compares it with what anchors have seen of it. */
export async function checkChains(tx: Transaction, options: ChainOptions): Promise<CheckedChains> {
  const { run, distrusted, found, onProgress } = options;
  let rows = 0;
  let chains = 0;
  const unanchored = { rows: 0, oldestUs: null as number | null };
  let chain: Chain | null = null;
  const end = () => {
    if (chain === null) return;
    const fault = chain.end();
    if (fault !== null) found.add(fault);
    if (chain.rows > 0) chains++;
    unanchored.rows += chain.unseen.rows;
    const { oldestUs } = chain.unseen;
    if (oldestUs !== null) unanchored.oldestUs = Math.min(oldestUs, unanchored.oldestUs ?? oldestUs);
  };
  for await (const entries of readEntries(tx, run)) {
    for (const entry of entries) {
      if (chain?.run !== entry.run) {
        end();
        chain = new Chain(entry.run);
      }
      if (entry.anchor === null) {
        rows++;
        chain.row(entry);
      } else if (!distrusted.has(entry.anchor)) chain.seen({ ...entry, anchor: entry.anchor });
    }
    onProgress(rows);
  }
  end();
  return { rows, chains, unanchored };
}

interface Seen {
  readonly seq: number;
  readonly hash: string;
  readonly anchor: number;
}

/** One chain while it is read. Only its first fault counts: everything after a broken link is broken. */
class Chain {
  readonly run: string;
  rows = 0;
  unseen: { rows: number; oldestUs: number | null } = { rows: 0, oldestUs: null };
  private last: { readonly seq: number; readonly hash: string };
  /** What an anchor has seen beyond `last`, the earliest of it. */
  private pending: Seen | null = null;
  private agreed = 0;
  private fault: Fault | null = null;

  constructor(run: string) {
    this.run = run;
    this.last = { seq: 0, hash: run };
  }

  row(row: AuditRow): void {
    this.rows++;
    this.unseen = { rows: this.unseen.rows + 1, oldestUs: this.unseen.oldestUs ?? row.at_us };
    if (this.fault !== null) return;
    const next = this.last.seq + 1;
    if (row.seq !== next) {
      const which = row.seq === next + 1 ? `row ${next} is` : `rows ${next} to ${row.seq - 1} are`;
      this.fail('missing_row', next, `${which} missing`);
    } else if (!follows(this.last.hash, next, row))
      this.fail(
        'edited_row',
        next,
        `row ${next} does not follow from ${before(next)}: one of them was edited, or slipped in`,
      );
    this.last = row;
    if (this.pending?.seq === row.seq) this.compare(this.pending);
  }

  /** Comes right before or right after the row it speaks of. */
  seen(seen: Seen): void {
    if (seen.seq === this.last.seq) this.compare(seen);
    else this.pending ??= seen;
  }

  end(): Fault | null {
    if (this.fault !== null || this.pending === null) return this.fault;
    const { seq, anchor } = this.pending;
    if (this.rows === 0)
      this.fail(
        'missing_chain',
        null,
        `the whole chain is missing: anchor ${anchor} has seen its row ${seq}`,
        anchor,
      );
    else
      this.fail(
        'cut_tail',
        this.last.seq,
        `the chain ends at row ${this.last.seq}, and anchor ${anchor} has seen row ${seq}: its tail was cut`,
        anchor,
      );
    return this.fault;
  }

  private compare(seen: Seen): void {
    this.pending = null;
    this.unseen = { rows: 0, oldestUs: null };
    if (this.fault !== null) return;
    if (seen.hash === this.last.hash) this.agreed = seen.seq;
    else
      this.fail(
        'rewritten_chain',
        seen.seq,
        `row ${seen.seq} is not the one anchor ${seen.anchor} has seen: the chain was rewritten somewhere after row ${this.agreed}`,
        seen.anchor,
      );
  }

  private fail(kind: Fault['kind'], seq: number | null, problem: string, anchor: number | null = null): void {
    this.fault = { kind, run: this.run, seq, anchor, problem };
  }
}

function before(seq: number): string {
  return seq === 1 ? 'the id of its run' : `row ${seq - 1}`;
}

function readEntries(tx: Transaction, run: string | null): AsyncIterable<readonly Entry[]> {
  return tx.batches<Entry>(LIMITS.auditBatchRows)`
    select run, seq, at_us, event, key, facts, hash, null::integer as anchor from audit where ${run}::text is null or run = ${run}
    union all
    select run, seq, null, null, null, null, hash, anchor from anchored_heads where ${run}::text is null or run = ${run}
    order by run, seq`;
}
