import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Stack, startStack } from '../../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import { shareBundle } from '../sharedBundle.ts';

declare module 'vitest' {
  /** What integration tests read with `inject('databaseUrl')`. */
  export interface ProvidedContext {
    readonly databaseUrl: string;
    readonly temporalAddress: string;
    readonly temporalNamespace: string;
    /** Of the Temporal UI; null where the Temporal server is not ours. */
    readonly uiUrl: string | null;
  }
}

const SLOTS = 8;

/** One stack with empty data, and one bundle of the workflows, for the whole run; the returned function ends it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { stack, dir } = await startOwnStack(project.config.root);
  try {
    await shareBundle(dir);
  } catch (error) {
    await stack.stop();
    throw error;
  }
  project.onTestsRerun(() => shareBundle(dir));
  project.provide('databaseUrl', stack.databaseUrl);
  project.provide('temporalAddress', stack.temporalAddress);
  project.provide('temporalNamespace', stack.temporalNamespace);
  project.provide('uiUrl', stack.uiUrl);
  return () => stack.stop();
}

/**
 * Two runs at once do not share a stack: the first to end would take it from the other. Numbered folders, not
 * unique ones, so that the orphans of a killed run are found and ended by a later one.
 */
async function startOwnStack(root: string): Promise<{ readonly stack: Stack; readonly dir: string }> {
  for (let slot = 1; slot <= SLOTS; slot += 1) {
    const dir = join(root, '.holdfast', slot === 1 ? 'test' : `test-${slot}`);
    const stack = await startStack({
      dir,
      fresh: true,
      searchAttributes: SEARCH_ATTRIBUTES,
      onProgress: (line) => console.log(`stack: ${line}`),
    });
    if (!stack.attached) return { stack, dir };
  }
  throw new Error(`${SLOTS} test runs use this clone already; wait for one to end.`);
}
