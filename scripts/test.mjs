// Everything that must hold before a change is good: types, style, tests. The last line says how many checks passed
// and failed. With arguments only the tests run, with these arguments (a file, a name filter).
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHROMIUM_ADVICE, ensureChromium } from './chromium.mjs';
import { countResults } from './results.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const resultsFile = join(root, '.holdfast', 'test-results.json');
const args = process.argv.slice(2);

const staticChecks = [
  { name: 'types', program: 'typescript/bin/tsc', args: [] },
  { name: 'types of workflow code', program: 'typescript/bin/tsc', args: ['-p', 'tsconfig.workflows.json'] },
  { name: 'format and lint', program: '@biomejs/biome/bin/biome', args: ['check', '.'] },
];

let running;
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
  // The test runner stops its servers itself; ending before it would orphan them. A package manager ends by itself.
  process.on(signal, () => {
    if (running === undefined) process.exit(128 + constants.signals[signal]);
    if (signal !== 'SIGINT' || !process.stdin.isTTY) running.kill(signal);
  });
}

let passed = 0;
let failed = 0;
for (const check of args.length > 0 ? [] : staticChecks) {
  const code = await runTool(check.program, check.args);
  console.log(`${code === 0 ? 'passed' : 'FAILED'}: ${check.name}`);
  if (code === 0) passed += 1;
  else failed += 1;
}

// A file or a filter that names no browser test needs no browser.
if (args.length === 0 || args.some((arg) => arg.includes('browser'))) {
  const chromium = await ensureChromium({ onProgress: (line) => console.log(`chromium: ${line}`) });
  if (chromium === null) console.log(`chromium: the browser tests cannot run; ${CHROMIUM_ADVICE}`);
}

mkdirSync(dirname(resultsFile), { recursive: true });
rmSync(resultsFile, { force: true });
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`];
const code = await runTool('vitest/vitest.mjs', ['run', ...reporters, ...args]);
const tests = countResults({ resultsFile, code });
for (const note of tests.notes) console.log(note);
passed += tests.passed;
failed += tests.failed;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function runTool(program, toolArgs) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...toolArgs], {
      cwd: root,
      stdio: 'inherit',
    });
    running = child;
    const finish = (exitCode) => {
      running = undefined;
      resolve(exitCode);
    };
    child.once('error', () => finish(1));
    child.once('close', (exitCode) => finish(exitCode ?? 1));
  });
}
