import { LIMITS } from '../core/limits.ts';
import { type Anchor, type AnchorHasher, FIRST_ANCHOR_FOLLOWS, hashAnchor } from './anchors.ts';
import type { Transaction } from './connection.ts';
import type { Faults, Integrity } from './integrity.ts';

/** An anchor, followed by its heads, ordered by the bytes of their run. */
type Entry =
  | ({ readonly kind: 'anchor' } & Anchor)
  | {
      readonly kind: 'head';
      readonly n: number;
      readonly run: string;
      readonly seq: number;
      readonly hash: string;
    };

export interface KeptAnchor {
  readonly n: number;
  readonly hash: string;
}

interface CheckedAnchors {
  readonly anchors: number;
  readonly newestAnchor: Integrity['newestAnchor'];
  /** Anchors whose own hash is wrong: their heads accuse nobody. */
  readonly distrusted: ReadonlySet<number>;
}

/** Follows the anchors from the first; `kept` must be among them. */
export async function checkAnchors(
  tx: Transaction,
  kept: KeptAnchor | null,
  found: Faults,
): Promise<CheckedAnchors> {
  const anchors = new AnchorChain(kept, found);
  for await (const entries of readEntries(tx))
    for (const entry of entries)
      if (entry.kind === 'anchor') anchors.anchor(entry);
      else anchors.head(entry);
  anchors.end();
  const { count, newest, distrusted } = anchors;
  return { anchors: count, newestAnchor: newest, distrusted };
}

/** The anchors while they are read. */
class AnchorChain {
  count = 0;
  newest: Integrity['newestAnchor'] = null;
  readonly distrusted = new Set<number>();
  private readonly kept: KeptAnchor | null;
  private readonly found: Faults;
  private previous = FIRST_ANCHOR_FOLLOWS;
  private next = 1;
  /** The anchor whose heads are being read; null after a gap, when what it follows cannot be known. */
  private open: { readonly anchor: Anchor; readonly hasher: AnchorHasher; heads: number } | null = null;
  /** The newest anchor of which there are heads only. */
  private headless = 0;
  private metKept = false;

  constructor(kept: KeptAnchor | null, found: Faults) {
    this.kept = kept;
    this.found = found;
  }

  anchor(anchor: Anchor): void {
    this.close();
    this.count++;
    if (anchor.n > this.next) this.missing(anchor.n - 1);
    if (anchor.n < this.next) this.edited(anchor.n, 'comes before the first one');
    if (anchor.n === this.next) this.open = { anchor, hasher: hashAnchor(this.previous, anchor), heads: 0 };
    if (anchor.n === this.kept?.n) this.compare(anchor, this.kept);
    this.newest = { n: anchor.n, hash: anchor.hash, atUs: anchor.at_us };
    this.previous = anchor.hash;
    this.next = anchor.n + 1;
  }

  head(head: Extract<Entry, { kind: 'head' }>): void {
    if (this.open?.anchor.n === head.n) {
      this.open.heads++;
      this.open.hasher.add(head);
    } else this.headless = Math.max(this.headless, head.n);
  }

  end(): void {
    this.close();
    if (this.headless >= this.next) this.missing(this.headless);
    if (this.kept === null || this.metKept) return;
    const { n, hash } = this.kept;
    const last = this.count === 0 ? 'has none' : `ends with anchor ${this.next - 1}`;
    this.found.add({
      kind: 'missing_anchor',
      anchor: n,
      problem: `anchor ${n} (${hash.slice(0, 12)}) was kept and is missing: the store ${last}`,
    });
  }

  private close(): void {
    if (this.open === null) return;
    const { anchor, hasher, heads } = this.open;
    this.open = null;
    if (heads !== anchor.heads)
      this.edited(anchor.n, `speaks of ${anchor.heads} chains, and ${heads} are there`);
    else if (hasher.digest() !== anchor.hash)
      this.edited(anchor.n, 'does not have the hash of what it says: it was edited, or the one before it');
  }

  private compare(anchor: Anchor, kept: KeptAnchor): void {
    this.metKept = true;
    if (kept.hash === anchor.hash) return;
    this.found.add({
      kind: 'rewritten_anchors',
      anchor: anchor.n,
      problem: `anchor ${anchor.n} is not the one that was kept (${kept.hash.slice(0, 12)}, now ${anchor.hash.slice(0, 12)}): audit and anchors were rewritten`,
    });
  }

  private edited(n: number, problem: string): void {
    this.distrusted.add(n);
    this.found.add({ kind: 'edited_anchor', anchor: n, problem: `anchor ${n} ${problem}` });
  }

  private missing(to: number): void {
    const from = this.next;
    const which = from === to ? `anchor ${from} is` : `anchors ${from} to ${to} are`;
    this.found.add({ kind: 'missing_anchor', anchor: from, problem: `${which} missing` });
  }
}

function readEntries(tx: Transaction): AsyncIterable<readonly Entry[]> {
  return tx.batches<Entry>(LIMITS.auditBatchRows)`
    select * from (
      select 'anchor' as kind, n, '' as run, null::integer as seq, at_us, heads, hash from anchors
      union all
      select 'head', anchor, run, seq, null, null, hash from anchored_heads
    ) entries order by n, run collate "C"`;
}
