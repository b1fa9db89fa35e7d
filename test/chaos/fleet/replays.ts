import { fileURLToPath } from 'node:url';
import type { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundle } from '@temporalio/worker';
import { isLeakedIn } from './secrecy.ts';

// V6: what a run has done is what its code does again, event by event. And V7, since the histories are at hand.

let bundle: Promise<WorkflowBundle> | null = null;

function workflowBundle(): Promise<WorkflowBundle> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  return bundle;
}

/** Where histories come from: a client. */
export interface Archive {
  readonly workflow: {
    getHandle(workflowId: string): { fetchHistory(): Promise<temporal.api.history.v1.IHistory> };
  };
}

/** Replays the newest execution of each; what differed or holds a secret, by workflow id. */
export async function replayAll(client: Archive, workflowIds: readonly string[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const workflowId of workflowIds) {
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    if (isLeakedIn(history)) problems.push(`V7: ${workflowId}: its history holds a secret`);
    try {
      await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, workflowId);
    } catch (error) {
      problems.push(`V6: ${workflowId}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return problems;
}
