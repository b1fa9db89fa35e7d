import { join, resolve } from 'node:path';
import { type NamedHistory, readHistories } from '../../src/replay/history.ts';
import { SHIPPED_HISTORIES } from '../../src/replay/shipped.ts';

/**
 * Every recorded history has one place: those that workers replay before they poll ship with the sources, the others are
 * here. In both a folder a release.
 */
export const RECORDED = resolve(import.meta.dirname, 'histories');

export async function allHistories(): Promise<readonly NamedHistory[]> {
  return [...(await readHistories(SHIPPED_HISTORIES)), ...(await readHistories(RECORDED))];
}

export function folderOf(release: string, shipped: boolean): string {
  return join(shipped ? SHIPPED_HISTORIES : RECORDED, release);
}
