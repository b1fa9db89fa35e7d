import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

/** The code of every workflow in one text: what a worker runs and what a replay checks are the same bytes. */
export type Bundle = Pick<WorkflowBundleWithSourceMap, 'code'>;

/**
 * Takes a second or two. Rejects with what webpack said. `interceptors`: paths of modules that come between the workflows
 * and the engine; a worker takes them from its bundle alone.
 */
export function bundleWorkflows({
  interceptors = [],
}: {
  readonly interceptors?: readonly string[];
} = {}): Promise<Bundle> {
  const workflowsPath = ownModule('index');
  return bundleWorkflowCode({
    workflowsPath,
    // Loaded once a worker instead of once a run: our modules keep no state (test/architecture.test.ts).
    preloadModules: [ownModule('promiseStacks'), workflowsPath],
    workflowInterceptorModules: [...interceptors],
    logger: new DefaultLogger('WARN'),
  });
}

/** TypeScript in development, JavaScript in a build. */
function ownModule(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`../workflows/${name}${extension}`, import.meta.url));
}
