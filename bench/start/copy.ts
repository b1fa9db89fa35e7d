import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
/** Inside the project, since what is open to PostgreSQL's user here is open to it there too. */
const COPIES = join(ROOT, '.holdfast', 'start');
const FILES = ['src', 'scripts', 'bin', 'package.json', 'package-lock.json', 'tsconfig.json'];

/** A clone of its own with everything installed: its demo meets nobody else's data, ports or processes. */
export interface Copy {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The next start finds no data. */
  clear(): void;
  remove(): void;
}

/** Nothing of it has ever run: what the loader of TypeScript keeps is its own, too, and empty. */
export function makeCopy(name: string): Copy {
  const folder = join(COPIES, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  for (const file of FILES) cpSync(join(ROOT, file), join(folder, file), { recursive: true });
  linkPackages(folder);
  return {
    folder,
    environment: { ...bareEnvironment(), TMPDIR: join(folder, 'tmp') },
    clear: () => rmSync(join(folder, '.holdfast'), { recursive: true, force: true }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Each by itself: where something in the copy installs anew, it unlinks them and empties nobody else's folder. */
function linkPackages(folder: string): void {
  const own = join(folder, 'node_modules');
  mkdirSync(own);
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    symlinkSync(join(ROOT, 'node_modules', name), join(own, name));
}

/** Without what would lead the demo to somebody's servers or to a model that costs money. */
function bareEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'TEMPORAL_CLI', 'LANG'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
