/** The identity of a bundle: the content of everything that goes into it. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT_ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const MAX_SOURCE_FILES = 2_000;

/** Hashes the entry file, every file it reaches by relative import, the locked packages and the Node version. */
export async function hashSources(entryPath: string, bundlerVersion: string): Promise<string> {
  const seen = new Map<string, string>();
  const waiting = [entryPath];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    if (seen.size >= MAX_SOURCE_FILES) {
      throw new Error(
        `${entryPath} reaches more than ${MAX_SOURCE_FILES} files; bundle a smaller entry file.`,
      );
    }
    const text = await readFile(path, 'utf8');
    seen.set(path, text);
    for (const match of text.matchAll(/(?:from|import|require)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)) {
      const target = await findSource(resolve(dirname(path), match[1] ?? ''));
      if (target !== undefined) waiting.push(target);
    }
  }
  const hash = createHash('sha256').update(`${bundlerVersion} ${process.version}\n`);
  hash.update((await readIfPresent(join(PROJECT_ROOT, 'package-lock.json'))) ?? '');
  for (const path of [...seen.keys()].sort()) hash.update(`${path}\0${seen.get(path) ?? ''}\0`);
  return hash.digest('hex').slice(0, 32);
}

export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function findSource(path: string): Promise<string | undefined> {
  for (const candidate of [path, path.replace(/\.js$/, '.ts'), `${path}.ts`, join(path, 'index.ts')]) {
    const found = await stat(candidate).catch(() => undefined);
    if (found?.isFile() === true) return candidate;
  }
  return undefined;
}

export async function readIfPresent(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
