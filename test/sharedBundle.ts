import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, bundleWorkflows } from '../src/replay/bundle.ts';

// A command that starts dozens of workers bundles once: each would take two seconds of a processor for the same text.

const VARIABLE = 'TEST_WORKFLOW_BUNDLE';

/** Bundles the workflow code into a file of `dir`; this process and those that it starts find it there. */
export async function shareBundle(dir: string): Promise<void> {
  const { code } = await bundleWorkflows();
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'workflows.bundle.js');
  writeFileSync(path, code);
  process.env[VARIABLE] = path;
}

/** What `shareBundle` left. Bundles where nobody did. */
export async function sharedBundle(): Promise<Bundle> {
  const path = process.env[VARIABLE];
  return path === undefined ? bundleWorkflows() : { code: readFileSync(path, 'utf8') };
}
