#!/usr/bin/env node
// A published package carries the compiled program; a clone has sources, and runs those through the loader.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => new URL(`../${path}`, import.meta.url);
const isClone = existsSync(fileURLToPath(at('scripts/bootstrap.mjs')));

if (!isClone) {
  await import(at('dist/cli.js').href);
} else {
  process.argv.splice(2, 0, 'holdfast');
  await import(at('scripts/bootstrap.mjs').href);
}
