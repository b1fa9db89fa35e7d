import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

/** Labelled texts of others, beside the checkout; they are not part of it. */
export const SHARED = new URL('../../../shared/data/', import.meta.url);

/** Null, said aloud, when the folder is not there; with CI=true that is a failure. */
export function sharedFolder(name: string, folder: URL = SHARED): URL | null {
  const found = new URL(`${name}/`, folder);
  if (existsSync(found)) return found;
  if (process.env.CI === 'true')
    throw new Error(`../shared/data/${name} is not here, and CI=true demands it`);
  console.warn(`LEFT OUT: ${name}; ../shared/data/${name} is not here`);
  return null;
}

/** Every line of a JSON Lines file. Who reads it says what the lines are. */
export function readLines<T>(file: URL): readonly T[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line): T => JSON.parse(line));
}

/** A number that depends on the text alone, to split texts into parts that stay the same. */
export function partOf(text: string, parts: number): number {
  return createHash('sha256').update(text, 'utf8').digest().readUInt32BE(0) % parts;
}

/** Processor time of this process so far. Figures and tests of speed use it, since others share the machine. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
