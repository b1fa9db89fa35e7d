import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { type Archive, executionsOf } from './archive.ts';

/** The next campaign has another server: what was odd in this one is looked at in its histories, or never. */
const DIR = resolve(import.meta.dirname, '../../../.holdfast/chaos/histories');
const MOST = 20;

/** Writes the histories of these workflows to files, at most twenty; returns where, in words. */
export async function keepHistories(client: Archive, workflowIds: readonly string[]): Promise<string> {
  mkdirSync(DIR, { recursive: true });
  for (const workflowId of workflowIds.slice(0, MOST)) {
    let back = 0;
    for await (const { history } of executionsOf(client, workflowId)) {
      writeFileSync(
        join(DIR, `${workflowId}${back === 0 ? '' : `.${back} back`}.json`),
        historyToJSON(history),
      );
      back += 1;
    }
  }
  return `the histories of ${Math.min(MOST, workflowIds.length)} of them are kept in .holdfast/chaos/histories`;
}
