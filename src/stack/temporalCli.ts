import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from './lock.ts';
import { buildTemporalCli, downloadTemporalCli } from './temporalInstall.ts';

/**
 * The pinned release: its development server is 1.29.1 and its UI 2.42.1. It is the last one that
 * `go install` accepts, so a download and a build give the same program.
 */
export const temporalCliVersion = 'v1.5.1';

const OLDEST_SERVER = [1, 27] as const;
const INSTALL_LOCK_MS = 20 * 60_000;

export interface TemporalCliOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (line: string) => void;
  /** Where to ask for the archive; only a test points it elsewhere. */
  readonly downloadUrl?: string;
}

/**
 * The path of a `temporal` program that can run a development server: `TEMPORAL_CLI`, the PATH, the per-user
 * cache, a download, a build. The first three use no network. Throws with what to install when nothing works.
 */
export async function findTemporalCli(options: TemporalCliOptions): Promise<string> {
  const { environment, onProgress } = options;
  const named = environment.TEMPORAL_CLI;
  if (named !== undefined && named !== '') {
    const path = resolve(named);
    if (isExecutable(path)) return path;
    throw new Error(
      `TEMPORAL_CLI is ${named}, which is not an executable file. Point it to the temporal program, or unset it.`,
    );
  }
  const onPath = await findOnPath(environment, onProgress);
  if (onPath !== undefined) return onPath;

  const cached = cachedTemporalCli(environment);
  if (isExecutable(cached)) return cached;

  const folder = join(cached, '..');
  mkdirSync(folder, { recursive: true });
  return await withLock(join(folder, 'install.lock'), INSTALL_LOCK_MS, async () => {
    // Another process may have installed it while this one waited.
    if (isExecutable(cached)) return cached;
    const failures: string[] = [];
    for (const install of [downloadTemporalCli, buildTemporalCli]) {
      try {
        await install({ ...options, version: temporalCliVersion, target: cached });
        return cached;
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        failures.push(words);
        onProgress(words);
      }
    }
    throw new Error(
      [
        'The temporal program was not found, and could not be installed:',
        ...failures.map((failure) => `  - ${failure}`),
        'Install the Temporal CLI (https://docs.temporal.io/cli) so that it is on the PATH, or set TEMPORAL_CLI to its',
        'path, or set TEMPORAL_ADDRESS to a Temporal server that runs already.',
      ].join('\n'),
    );
  });
}

/** The path of a program that is there already, by the same order of places; null when there is none. No network. */
export async function installedTemporalCli(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const named = environment.TEMPORAL_CLI;
  if (named !== undefined && named !== '') return isExecutable(resolve(named)) ? resolve(named) : null;
  const onPath = await findOnPath(environment, () => undefined);
  const cached = cachedTemporalCli(environment);
  return onPath ?? (isExecutable(cached) ? cached : null);
}

/** Where the installed program is kept: per user, so that a fresh clone does not fetch or build it again. */
export function cachedTemporalCli(environment: Readonly<Record<string, string | undefined>>): string {
  return join(programCache(environment, 'temporal', temporalCliVersion), 'temporal');
}

/** The folder of this user for the programs of one release, for this platform. */
export function programCache(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  version: string,
): string {
  const base = environment.XDG_CACHE_HOME;
  const cache = base !== undefined && base !== '' ? base : join(environment.HOME ?? homedir(), '.cache');
  return join(cache, 'holdfast', name, `${version}-${process.platform}-${process.arch}`);
}

async function findOnPath(
  environment: Readonly<Record<string, string | undefined>>,
  onProgress: (line: string) => void,
): Promise<string | undefined> {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, 'temporal');
    if (!isExecutable(path)) continue;
    const version = await readVersion(path);
    if (isNewEnough(version)) return path;
    onProgress(
      `${path} is too old or not the Temporal CLI (${version.trim() || 'no version'}); looking further`,
    );
  }
  return undefined;
}

async function readVersion(path: string): Promise<string> {
  try {
    return (await promisify(execFile)(path, ['--version'], { timeout: 10_000 })).stdout;
  } catch {
    return '';
  }
}

/** Looks at the server's version, since a program built by `go install` calls itself 0.0.0-DEV. */
function isNewEnough(version: string): boolean {
  const match = /\(Server (\d+)\.(\d+)\./.exec(version);
  if (match === null) return false;
  const major = Number(match[1]);
  const minor = Number(match[2]);
  return major > OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor >= OLDEST_SERVER[1]);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
