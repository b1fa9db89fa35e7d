import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

/** The code of every workflow in one text: what a worker runs and what a replay checks are the same bytes. */
export type Bundle = Pick<WorkflowBundleWithSourceMap, 'code'>;

/** What `npm run build` made beside this module. There is none where the program runs from its sources. */
export const BUILT_BUNDLE = fileURLToPath(new URL('./workflows.bundle.js', import.meta.url));

/**
 * Reads what the build made; without a build it takes a second or two. Rejects with what webpack said. `interceptors`: paths
 * of modules that come between the workflows and the engine; a worker takes them from its bundle alone.
 */
export async function bundleWorkflows({
  interceptors = [],
}: {
  readonly interceptors?: readonly string[];
} = {}): Promise<Bundle> {
  const built = interceptors.length === 0 ? await readBuilt() : null;
  if (built !== null) return built;
  const workflowsPath = ownModule('index');
  return bundleWorkflowCode({
    workflowsPath,
    // Loaded once a worker instead of once a run: our modules keep no state (test/architecture.test.ts).
    preloadModules: [ownModule('promiseStacks'), workflowsPath],
    workflowInterceptorModules: [...interceptors],
    logger: new DefaultLogger('WARN'),
  });
}

async function readBuilt(): Promise<Bundle | null> {
  try {
    return { code: await readFile(BUILT_BUNDLE, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** TypeScript in development, JavaScript in a build. */
function ownModule(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`../workflows/${name}${extension}`, import.meta.url));
}
