import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundle } from '@temporalio/worker';

// V6: what a run has done is what its code does again, event by event.

let bundle: Promise<WorkflowBundle> | null = null;

function workflowBundle(): Promise<WorkflowBundle> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  return bundle;
}

type Histories = Parameters<typeof Worker.runReplayHistory>[1];

/** Where histories come from: a client. */
export interface Archive {
  readonly workflow: {
    getHandle(workflowId: string): { fetchHistory(): Promise<Exclude<Histories, string>> };
  };
}

/** Replays the newest execution of each; what differed, by workflow id. */
export async function replayAll(client: Archive, workflowIds: readonly string[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const workflowId of workflowIds) {
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    try {
      await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, workflowId);
    } catch (error) {
      problems.push(`V6: ${workflowId}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return problems;
}
