import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

/** The code of every workflow in one text: what a worker runs and what a replay checks are the same bytes. */
export type Bundle = Pick<WorkflowBundleWithSourceMap, 'code'>;

/** Takes a second or two. Rejects with what webpack said. */
export function bundleWorkflows(workflowsPath = ownWorkflows()): Promise<Bundle> {
  // Loaded once a worker instead of once a run: our modules keep no state (test/architecture.test.ts).
  const preloadModules = [workflowsPath];
  return bundleWorkflowCode({ workflowsPath, preloadModules, logger: new DefaultLogger('WARN') });
}

/** TypeScript in development, JavaScript in a build. */
function ownWorkflows(): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`../workflows/index${extension}`, import.meta.url));
}
