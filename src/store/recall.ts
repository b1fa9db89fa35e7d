import type { Hash, RunId } from '../core/ids.ts';
import type { Head } from '../core/state.ts';
import { type ChainNode, findBlobs, loadBlobs, loadChain } from './chain.ts';
import type { Sql } from './connection.ts';
import { recentChain, recentText, rememberChain, rememberText } from './recent.ts';

// What a step works with: from this process's memory where it is there, else from the store, with all its checks.

/** As `loadChain`. */
export async function recallChain(sql: Sql, run: RunId, head: Head | null): Promise<readonly ChainNode[]> {
  const recent = head === null ? undefined : recentChain(sql, run, head);
  if (recent !== undefined) return recent;
  const chain = await loadChain(sql, run, head);
  rememberChain(sql, run, chain);
  return chain;
}

/** As `loadBlobs`. */
export function recallBlobs(
  sql: Sql,
  run: RunId,
  hashes: readonly Hash[],
): Promise<ReadonlyMap<Hash, string>> {
  return recall(sql, run, hashes, loadBlobs);
}

/** As `findBlobs`. */
export function recallFound(
  sql: Sql,
  run: RunId,
  hashes: readonly Hash[],
): Promise<ReadonlyMap<Hash, string>> {
  return recall(sql, run, hashes, findBlobs);
}

async function recall(
  sql: Sql,
  run: RunId,
  hashes: readonly Hash[],
  look: typeof findBlobs,
): Promise<ReadonlyMap<Hash, string>> {
  const found = new Map<Hash, string>();
  for (const hash of hashes) {
    const text = recentText(sql, run, hash);
    if (text !== undefined) found.set(hash, text);
  }
  const missing = hashes.filter((hash) => !found.has(hash));
  for (const [hash, text] of await look(sql, run, missing)) {
    found.set(hash, text);
    rememberText(sql, run, hash, text);
  }
  return found;
}
