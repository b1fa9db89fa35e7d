import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
const entries = [...read('scripts/bootstrap.mjs').matchAll(/^ {2}(\w+): \{ file: '([^']+)'/gm)];

test('every command that the documents name can be run', () => {
  const named = ['README.md', 'AGENTS.md', 'ARCHITECTURE.md'].flatMap((name) =>
    [...read(name).matchAll(/\bnpm run (\w+)/g)].map((match) => match[1] ?? ''),
  );
  expect(named.length).toBeGreaterThan(5);
  expect([...new Set(named)].filter((name) => !scripts.includes(name))).toEqual([]);
});

test('every script that goes through the bootstrap has an entry there, and the entry its file', () => {
  const bootstrapped = scripts.filter((name) =>
    read('package.json').includes(`scripts/bootstrap.mjs ${name}"`),
  );
  expect(bootstrapped.length).toBeGreaterThan(5);
  expect(bootstrapped.filter((name) => !entries.some(([, entry]) => entry === name))).toEqual([]);
  expect(entries.filter(([, , file]) => !existsSync(join(ROOT, file ?? '')))).toEqual([]);
});
