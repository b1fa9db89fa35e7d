import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** True where the sources run through the loader, false in a build. */
const fromSource = import.meta.url.endsWith('.ts');
const extension = fromSource ? '.ts' : '.js';
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Data, logs and addresses of the local stack: in the clone, or below the caller's folder for an installed package. */
export function devStackFolder(): string {
  return join(dataFolder(), 'dev');
}

/** For a demo on somebody else's database and Temporal: others who look for the local stack must not find those. */
export function externalDemoFolder(): string {
  return join(dataFolder(), 'demo');
}

function dataFolder(): string {
  const isClone = existsSync(join(root, 'scripts', 'bootstrap.mjs'));
  return join(isClone ? root : process.cwd(), '.holdfast');
}

/**
 * Loaded before the main module of a child: a parent that was killed cannot end its children, but the channel to it
 * closes, and a worker that nobody owns would poll for ever. Plain text, since Node loads it in every thread of the
 * child, and not every thread can read TypeScript.
 */
const endWithParent = `data:text/javascript,${encodeURIComponent(
  "process.on('disconnect', () => process.exit(1)); process.channel?.unref();",
)}`;

/** Node's arguments for a module of ours in a process of its own, which ends with its parent. */
export function nodeArguments(module: 'worker' | 'dev/crashingWorker'): readonly string[] {
  const file = fileURLToPath(new URL(`../${module}${extension}`, import.meta.url));
  const loader = fromSource ? ['--import', import.meta.resolve('tsx')] : [];
  return [...loader, '--import', endWithParent, file];
}

/**
 * The demo's own agent, as HOLDFAST_AGENTS names a module. A URL, because a folder's name may hold the comma that
 * separates modules.
 */
export function patientAgentModule(): string {
  return new URL(`./patientAgent${extension}`, import.meta.url).href.replaceAll(',', '%2C');
}

/** Names the workflow in whose effect `crashingWorker` dies. Only the demo sets it. */
export const CRASH_VARIABLE = 'HOLDFAST_DEMO_CRASH_WORKFLOW';
