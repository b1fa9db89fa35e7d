import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

export interface InstallOptions {
  readonly version: string;
  /** The file the program ends up as; its folder exists. It appears complete or not at all. */
  readonly target: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (line: string) => void;
  readonly downloadUrl?: string;
}

const DOWNLOAD_URL = 'https://temporal.download/cli';
const ANSWER_TIMEOUT_MS = 10_000;
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;
const BUILD_TIMEOUT_MS = 15 * 60_000;
const PROGRESS_INTERVAL_MS = 5_000;
const ERROR_CHARACTERS = 2_000;

/** Fetches the archive from where the Temporal SDK fetches it. Gives up when nothing answers within ten seconds. */
export async function downloadTemporalCli(options: InstallOptions): Promise<void> {
  const { version, target, onProgress } = options;
  const query = new URLSearchParams({
    arch: process.arch === 'x64' ? 'amd64' : process.arch,
    platform: process.platform,
    format: 'tar.gz',
  });
  const address = `${options.downloadUrl ?? DOWNLOAD_URL}/${version}?${query}`;
  onProgress(`downloading the Temporal CLI ${version}`);
  await inScratchFolder(target, async (scratch) => {
    try {
      const info = (await (await fetchOk(address, ANSWER_TIMEOUT_MS)).json()) as {
        archiveUrl?: unknown;
        fileToExtract?: unknown;
      };
      if (typeof info.archiveUrl !== 'string' || typeof info.fileToExtract !== 'string') {
        throw new Error('the answer names no archive');
      }
      const { body } = await fetchOk(info.archiveUrl, DOWNLOAD_TIMEOUT_MS);
      if (body === null) throw new Error('the archive is empty');
      const archive = join(scratch, 'archive.tar.gz');
      await pipeline(
        Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]),
        createWriteStream(archive),
      );
      await promisify(execFile)('tar', ['-xzf', archive, '-C', scratch, '--', info.fileToExtract], {
        timeout: 60_000,
      });
      await moveIntoPlace(join(scratch, info.fileToExtract), target);
    } catch (error) {
      throw new Error(`Download from ${options.downloadUrl ?? DOWNLOAD_URL} failed: ${describe(error)}`);
    }
  });
}

/** Builds the program with a Go toolchain; some minutes the first time. */
export async function buildTemporalCli(options: InstallOptions): Promise<void> {
  const { version, onProgress } = options;
  onProgress(`building the Temporal CLI ${version} with go install; this takes some minutes, once per user`);
  await buildWithGo({
    ...options,
    name: 'the Temporal CLI',
    source: `github.com/temporalio/cli/cmd/temporal@${version}`,
    program: 'temporal',
  });
}

export interface GoBuild extends Pick<InstallOptions, 'target' | 'environment' | 'onProgress'> {
  /** For progress: "building <name>". */
  readonly name: string;
  /** What `go install` takes: a package with its version. */
  readonly source: string;
  /** The file that `go install` leaves: the last part of the package's path. */
  readonly program: string;
}

/** Builds one program of a public Go module. It appears at its target complete, able to say its version, or not at all. */
export async function buildWithGo({ name, source, program, ...options }: GoBuild): Promise<void> {
  const { target, environment, onProgress } = options;
  await inScratchFolder(target, async (scratch) => {
    await runGoInstall(source, { environment: { ...environment, GOBIN: scratch }, name, onProgress });
    await moveIntoPlace(join(scratch, program), target);
  });
}

async function runGoInstall(
  target: string,
  options: Pick<GoBuild, 'environment' | 'name' | 'onProgress'>,
): Promise<void> {
  const started = performance.now();
  const child = spawn('go', ['install', '-trimpath', '-ldflags=-s -w', target], {
    env: { ...options.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
    // The compiler runs many children; a group of their own lets all of them be ended together.
    detached: true,
  });
  const endGroup = () => {
    if (child.pid === undefined || child.exitCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group has ended by itself.
    }
  };
  process.once('exit', endGroup);
  let modules = 0;
  let errors = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('go: downloading ')) modules += 1;
    else errors = `${errors}${line}\n`.slice(-ERROR_CHARACTERS);
  });
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - started) / 1000);
    options.onProgress(`building ${options.name}: ${seconds} s, ${modules} modules downloaded`);
  }, PROGRESS_INTERVAL_MS);
  let timedOut = false;
  const timeout = setTimeout(() => {
    timedOut = true;
    endGroup();
  }, BUILD_TIMEOUT_MS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (timedOut) throw new Error(`not done after ${BUILD_TIMEOUT_MS / 60_000} minutes`);
    if (code !== 0) throw new Error(`exit code ${code}: ${errors.trim()}`);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(`go install failed: ${missing ? 'no go program on the PATH' : describe(error)}`);
  } finally {
    clearTimeout(timeout);
    clearInterval(progress);
    process.removeListener('exit', endGroup);
  }
}

/** A folder beside the target, so that the last rename stays within one file system. */
async function inScratchFolder(target: string, work: (folder: string) => Promise<void>): Promise<void> {
  const scratch = join(dirname(target), `install-${randomUUID()}`);
  mkdirSync(scratch, { recursive: true });
  try {
    await work(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Only a program that runs is moved into the cache; a truncated one would fail every later start. */
async function moveIntoPlace(program: string, target: string): Promise<void> {
  if (!existsSync(program)) throw new Error('the program is not where it should be');
  chmodSync(program, 0o755);
  await promisify(execFile)(program, ['--version'], { timeout: 20_000 });
  renameSync(program, target);
}

async function fetchOk(address: string, timeoutMs: number): Promise<Response> {
  // The first byte must come soon; only the body of a large archive may take longer.
  const abort = new AbortController();
  const answer = setTimeout(() => abort.abort(new Error('no answer within ten seconds')), ANSWER_TIMEOUT_MS);
  try {
    const response = await fetch(address, {
      signal: AbortSignal.any([abort.signal, AbortSignal.timeout(timeoutMs)]),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response;
  } finally {
    clearTimeout(answer);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
