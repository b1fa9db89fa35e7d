import type { Hash, RunId } from '../core/ids.ts';
import type { Message } from '../core/messages.ts';
import type { Head } from '../core/state.ts';
import type { Sql } from './connection.ts';
import { hashNode, hashText } from './hash.ts';
import { rememberText } from './recent.ts';

/**
 * The conversation as a hash-linked chain, one per run: `node = hash(parent, bytes)`, the first parent being the
 * pinned release. The bytes are those sent and received; nothing is rewritten.
 */
export interface ChainNode {
  readonly hash: Hash;
  readonly seq: number;
  readonly parent: Hash;
  readonly message: Message;
  /** The JSON text of `message`, as it was hashed. */
  readonly body: string;
  /** The model that was asked for it, as configured; null for what no model said. It is no part of the hash. */
  readonly model: string | null;
}

/** The node that `message` becomes after `parent`. */
export function link(
  release: Hash,
  parent: Head | null,
  message: Message,
  model: string | null = null,
): ChainNode {
  const body = JSON.stringify(message);
  const parentHash = parent?.node ?? release;
  return {
    hash: hashNode(parentHash, body),
    seq: (parent?.seq ?? 0) + 1,
    parent: parentHash,
    message,
    body,
    model,
  };
}

export function headOf(node: ChainNode): Head {
  return { seq: node.seq, node: node.hash };
}

interface NodeRow {
  readonly hash: Hash;
  readonly seq: number;
  readonly parent: Hash;
  readonly body: string;
  readonly model: string | null;
}

/**
 * The conversation up to `head`, oldest first. Orphans are left out: nobody points to them. Throws when a node is
 * missing or its bytes no longer have its hash, because a model must never be sent a history that was tampered with.
 */
export async function loadChain(sql: Sql, run: RunId, head: Head | null): Promise<readonly ChainNode[]> {
  if (head === null) return [];
  const rows = await sql<NodeRow[]>`
    select hash, seq, parent, body, model from nodes where run = ${run} and seq <= ${head.seq} order by seq`;
  const byHash = new Map(rows.map((row) => [row.hash, row]));
  const chain: ChainNode[] = [];
  for (let at = head.node, seq = head.seq; seq >= 1; seq--) {
    const row = byHash.get(at);
    if (row === undefined)
      throw new Error(`run ${run}: node ${seq} (${at}) is missing from the conversation`);
    if (hashNode(row.parent, row.body) !== row.hash)
      throw new Error(`run ${run}: node ${seq} (${at}) does not have the bytes it was stored with`);
    chain.push({ ...row, message: JSON.parse(row.body) as Message });
    at = row.parent;
  }
  return chain.reverse();
}

/** Bodies of blobs by hash. Throws when one is missing or changed. */
export async function loadBlobs(
  sql: Sql,
  run: RunId,
  hashes: readonly Hash[],
): Promise<ReadonlyMap<Hash, string>> {
  const found = await findBlobs(sql, run, hashes);
  for (const hash of hashes) if (!found.has(hash)) throw new Error(`run ${run}: blob ${hash} is missing`);
  return found;
}

/** Those of them that are there. Throws when one is changed: that is not the same as missing. */
export async function findBlobs(
  sql: Sql,
  run: RunId,
  hashes: readonly Hash[],
): Promise<ReadonlyMap<Hash, string>> {
  if (hashes.length === 0) return new Map();
  const rows = await sql<{ hash: Hash; body: string }[]>`
    select hash, body from blobs where run = ${run} and hash = any(${[...new Set(hashes)]})`;
  const found = new Map(rows.map((row) => [row.hash, row.body]));
  for (const [hash, body] of found)
    if (hashText(body) !== hash)
      throw new Error(`run ${run}: blob ${hash} does not have the bytes it was stored with`);
  return found;
}

/** Stores texts as blobs of the run; the same text twice is one blob. */
export async function storeBlobs(sql: Sql, run: RunId, bodies: readonly string[]): Promise<readonly Hash[]> {
  const hashes = bodies.map(hashText);
  if (bodies.length > 0)
    await sql`
      insert into blobs (run, hash, body)
      select ${run}, b.hash, b.body from unnest(${hashes}::text[], ${[...bodies]}::text[]) as b(hash, body)
      on conflict do nothing`;
  for (const [i, body] of bodies.entries()) rememberText(sql, run, hashes[i] ?? hashText(body), body);
  return hashes;
}
