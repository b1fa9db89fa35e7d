import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from './folders.ts';

const bootstrap = fileURLToPath(new URL('../../scripts/bootstrap.mjs', import.meta.url));

/** A project with the real bootstrap, a lock file, a small program as cli.ts, and an npm that only takes notes. */
function makeProject(): {
  readonly dir: string;
  readonly env: Record<string, string>;
  installs: () => number;
} {
  const dir = makeFolder();
  mkdirSync(join(dir, 'scripts'));
  mkdirSync(join(dir, 'src'));
  cpSync(bootstrap, join(dir, 'scripts', 'bootstrap.mjs'));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  writeLock(dir, '1.0.0');
  writeFileSync(
    join(dir, 'src', 'cli.ts'),
    [
      "process.on('SIGTERM', () => process.exit(7));",
      // After the handler: a test signals as soon as it sees this line.
      "console.log(process.argv.slice(2).join(' '));",
      "if (process.argv[2] === 'dev') setInterval(() => undefined, 60_000);",
      "if (process.argv.includes('--fail')) process.exitCode = 3;",
    ].join('\n'),
  );
  const npm = join(dir, 'npm-cli.js');
  writeFileSync(
    npm,
    [
      "import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';",
      `appendFileSync(${JSON.stringify(join(dir, 'installs'))}, process.argv.slice(2).join(' ') + '\\n');`,
      `mkdirSync(${JSON.stringify(join(dir, 'node_modules/tsx/dist'))}, { recursive: true });`,
      // A loader that leaves the program as it is, which is plain JavaScript.
      `writeFileSync(${JSON.stringify(join(dir, 'node_modules/tsx/dist/loader.mjs'))},`,
      `  "import { register } from 'node:module'; register('data:text/javascript,' + encodeURIComponent(" +`,
      `  JSON.stringify("import { readFileSync } from 'node:fs'; export async function load(url, context, next) {" +`,
      `  " return url.endsWith('.ts') ? { format: 'module', shortCircuit: true, source: readFileSync(new URL(url)) }" +`,
      `  " : next(url, context); }") + "));");`,
    ].join('\n'),
  );
  const env = { PATH: process.env.PATH ?? '', npm_execpath: npm };
  const installs = () => {
    const notes = join(dir, 'installs');
    return existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n').length : 0;
  };
  return { dir, env, installs };
}

function writeLock(dir: string, version: string): void {
  const packages = { '': {}, 'node_modules/some': { version } };
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
}

function runBootstrap(project: ReturnType<typeof makeProject>, ...words: string[]) {
  const result = spawnSync(process.execPath, [join(project.dir, 'scripts', 'bootstrap.mjs'), ...words], {
    env: project.env,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: result.status, output: result.stdout, errors: result.stderr };
}

test('installs what the lock file names, once, and again when the lock file changed', () => {
  const project = makeProject();
  expect(runBootstrap(project, 'demo', '--yes')).toMatchObject({ code: 0, output: 'demo --yes\n' });
  expect(runBootstrap(project, 'holdfast', 'runs')).toMatchObject({ code: 0, output: 'runs\n' });
  expect(project.installs()).toBe(1);
  writeLock(project.dir, '1.0.1');
  runBootstrap(project, 'demo');
  expect(project.installs()).toBe(2);
  expect(readFileSync(join(project.dir, 'installs'), 'utf8')).toMatch(/^ci --no-audit --no-fund\n/);
});

test('accepts what npm install left if it agrees with the lock file, and only then', () => {
  const project = makeProject();
  runBootstrap(project, 'demo');
  const recordInstalled = (version: string) => {
    rmSync(join(project.dir, 'node_modules', '.holdfast-lock'));
    const packages = { 'node_modules/some': { version } };
    writeFileSync(join(project.dir, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  };
  recordInstalled('1.0.0');
  runBootstrap(project, 'demo');
  expect(project.installs()).toBe(1);
  recordInstalled('0.9.0');
  runBootstrap(project, 'demo');
  expect(project.installs()).toBe(2);
});

test('passes exit codes on and refuses unknown commands', () => {
  const project = makeProject();
  expect(runBootstrap(project, 'demo', '--fail').code).toBe(3);
  expect(runBootstrap(project, 'toString')).toMatchObject({ code: 2, output: '' });
  expect(runBootstrap(project, 'linear')).toMatchObject({ code: 2 });
});

test('forwards signals and waits for the command to end', async () => {
  const project = makeProject();
  runBootstrap(project, 'demo');
  const child = spawn(process.execPath, [join(project.dir, 'scripts', 'bootstrap.mjs'), 'dev'], {
    env: project.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(createInterface({ input: child.stdout }), 'line');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([7, null]);
});
