import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Where PostgreSQL's programs and data live, and as whom it runs.
 *
 * PostgreSQL refuses to run as root. Started by root it runs as another user, who cannot enter a folder that is
 * closed to others (root's home is, and so is what mkdtemp makes). What that user cannot reach is kept in a folder
 * below /var/tmp instead, named by the hash of the stack's path.
 */
export interface PostgresPlace {
  /** The folder with `bin`, `lib` and `share`. */
  readonly programs: string;
  readonly data: string;
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

export interface PlaceOptions {
  readonly dir: string;
  readonly programs: string;
}

export function choosePostgresPlace(options: PlaceOptions): PostgresPlace {
  const inside = join(options.dir, 'postgres');
  const user = process.getuid?.() === 0 ? unprivilegedUser() : null;
  if (user === null) return { programs: options.programs, data: inside, user };

  const programsReachable =
    isReachable(join(options.programs, 'bin', 'postgres')) && isReadable(options.programs);
  const dirReachable = isReachable(options.dir);
  if (programsReachable && dirReachable) return { programs: options.programs, data: inside, user };

  const shelter = openShelter(options.dir);
  const programs = programsReachable ? options.programs : copyPrograms(options.programs, shelter);
  const data = dirReachable ? inside : shelteredData(options.dir, shelter);
  return { programs, data, user };
}

/** `postgres` where a package made it, else `nobody`, which exists everywhere: no account is added to the machine. */
function unprivilegedUser(): { uid: number; gid: number } {
  for (const name of ['postgres', 'nobody']) {
    try {
      const read = (flag: string) =>
        Number(
          execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(),
        );
      const user = { uid: read('-u'), gid: read('-g') };
      if (user.uid > 0 && Number.isSafeInteger(user.gid)) return user;
    } catch {
      // No such account; the next name.
    }
  }
  throw new Error(
    'PostgreSQL cannot run as root, and neither the account postgres nor nobody exists. ' +
      'Run as another user, or set DATABASE_URL to a PostgreSQL server.',
  );
}

/** True when every folder on the way lets others pass, and the last entry lets them in. */
export function isReachable(path: string): boolean {
  let current = realpathSync(path);
  for (;;) {
    if ((statSync(current).mode & 0o001) === 0) return false;
    const parent = dirname(current);
    if (parent === current) return true;
    current = parent;
  }
}

/** A strict umask during the installation leaves folders and files that others cannot read. */
function isReadable(programs: string): boolean {
  return ['bin', 'lib', 'share', 'share/postgresql', 'share/postgresql/postgres.bki'].every((name) => {
    try {
      const { mode } = statSync(join(programs, name));
      return (mode & 0o004) !== 0;
    } catch {
      return false;
    }
  });
}

function openShelter(dir: string): string {
  const base = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
  const hash = createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 16);
  const shelter = join(base, `holdfast-${process.getuid?.() ?? 0}-${hash}`);
  try {
    mkdirSync(shelter, { mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // Anybody may create names below /var/tmp; a folder or link laid out by somebody else is not ours to use.
  const found = lstatSync(shelter);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${shelter} exists and does not belong to this user. Remove it, or set DATABASE_URL.`);
  }
  chmodSync(shelter, 0o755);
  return shelter;
}

function copyPrograms(programs: string, shelter: string): string {
  const { mtimeMs, size } = statSync(join(programs, 'bin', 'postgres'));
  const copy = join(shelter, `programs-${size}-${Math.round(mtimeMs)}`);
  if (existsSync(copy)) return copy;
  for (const old of readdirSync(shelter)) {
    if (old.startsWith('programs-')) rmSync(join(shelter, old), { recursive: true, force: true });
  }
  const draft = join(shelter, `programs-draft-${randomUUID()}`);
  cpSync(programs, draft, { recursive: true, verbatimSymlinks: true });
  openToOthers(draft);
  renameSync(draft, copy);
  return copy;
}

function openToOthers(path: string): void {
  const entry = lstatSync(path);
  if (entry.isSymbolicLink()) return;
  if (!entry.isDirectory()) {
    chmodSync(path, (entry.mode & 0o100) === 0 ? 0o644 : 0o755);
    return;
  }
  chmodSync(path, 0o755);
  for (const name of readdirSync(path)) openToOthers(join(path, name));
}

/**
 * The data's place outside the stack's folder. A token on both sides ties them: where the folder was removed to
 * begin anew, or another clone took the same path, the old data is not taken up.
 */
function shelteredData(dir: string, shelter: string): string {
  const data = join(shelter, 'data', 'postgres');
  const here = join(dir, 'postgres.elsewhere');
  const there = join(shelter, 'data', 'token');
  const token = readText(here);
  if (token !== undefined && token === readText(there)) return data;
  rmSync(join(shelter, 'data'), { recursive: true, force: true });
  mkdirSync(join(shelter, 'data'), { mode: 0o755 });
  chmodSync(join(shelter, 'data'), 0o755);
  const fresh = `${data} ${randomUUID()}\n`;
  writeFileSync(there, fresh);
  writeFileSync(here, fresh);
  return data;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
