import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startStack } from '../../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';

declare module 'vitest' {
  /** What integration tests read with `inject('databaseUrl')`. */
  export interface ProvidedContext {
    readonly databaseUrl: string;
    readonly temporalAddress: string;
    readonly temporalNamespace: string;
  }
}

/** One stack with empty data for the whole run; the returned function ends it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await startStack({
    dir: join(project.config.root, '.holdfast', 'test'),
    ui: false,
    fresh: true,
    searchAttributes: SEARCH_ATTRIBUTES,
    onProgress: (line) => console.log(`stack: ${line}`),
  });
  project.provide('databaseUrl', stack.databaseUrl);
  project.provide('temporalAddress', stack.temporalAddress);
  project.provide('temporalNamespace', stack.temporalNamespace);
  return () => stack.stop();
}
