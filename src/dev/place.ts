import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** True where the sources run through the loader, false in a build. */
const fromSource = import.meta.url.endsWith('.ts');
const extension = fromSource ? '.ts' : '.js';
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Data, logs and addresses of the local stack: in the clone, or below the caller's folder for an installed package. */
export function devStackFolder(): string {
  const isClone = existsSync(join(root, 'scripts', 'bootstrap.mjs'));
  return join(isClone ? root : process.cwd(), '.holdfast', 'dev');
}

/**
 * Node's arguments for a module of ours in a process of its own, such as `worker`. The process ends with its parent,
 * however that ended.
 */
export function nodeArguments(module: 'worker' | 'dev/crashingWorker'): readonly string[] {
  const preload = new URL(`./endWithParent${extension}`, import.meta.url).href;
  const file = fileURLToPath(new URL(`../${module}${extension}`, import.meta.url));
  const loader = fromSource ? ['--import', import.meta.resolve('tsx')] : [];
  return [...loader, '--import', preload, file];
}

/** Names the workflow in whose effect `crashingWorker` dies. Only the demo sets it. */
export const CRASH_VARIABLE = 'HOLDFAST_DEMO_CRASH_WORKFLOW';
