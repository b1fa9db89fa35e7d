// The one entry point of every npm script: installs what is missing, then runs the command. Plain Node, no packages,
// since it must work in a clone where nothing is installed yet.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const marker = join(root, 'node_modules', '.holdfast-lock');
const PROGRESS_INTERVAL_MS = 5_000;

/** What each command runs, and the oldest Node its tools accept: the loader of TypeScript, and the test runner. */
const commands = {
  demo: { file: 'src/cli.ts', words: ['demo'], node: [20, 6] },
  dev: { file: 'src/cli.ts', words: ['dev'], node: [20, 6] },
  holdfast: { file: 'src/cli.ts', words: [], node: [20, 6] },
  conformance: { file: 'test/conformance/run.ts', words: [], node: [20, 6] },
  hostile: { file: 'test/hostile/run.ts', words: [], node: [20, 6] },
  linear: { file: 'test/e2e/linear.ts', words: [], node: [20, 6] },
  guards: { file: 'test/guards/run.ts', words: [], node: [20, 6] },
  sim: { file: 'test/sim/run.ts', words: [], node: [20, 6] },
  replay: { file: 'test/replay/run.ts', words: [], node: [20, 6] },
  chaos: { file: 'test/chaos/run.ts', words: [], node: [20, 6] },
  bench: { file: 'bench/run.ts', words: [], node: [20, 6] },
  test: { file: 'scripts/test.mjs', words: [], node: [20, 19] },
};

const [name = '', ...words] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command === undefined) {
  fail(`Usage: node scripts/bootstrap.mjs <${Object.keys(commands).join('|')}> [arguments]`, 2);
}
refuseOldNode(command.node);
await installIfNeeded();
if (!existsSync(join(root, command.file))) fail(`${command.file} is not in this copy of the project.`, 2);
// The loader would otherwise take the settings of whatever project the caller stands in.
process.env.TSX_TSCONFIG_PATH ??= join(root, 'tsconfig.json');
process.exit(await run(process.execPath, [...loader(command.file), ...command.words, ...words]));

function refuseOldNode([major, minor]) {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  fail(`Node ${process.versions.node} is too old: "${name}" needs Node ${major}.${minor} or newer.`, 2);
}

/** Absolute paths, so that the command runs in the caller's folder and file arguments mean what the caller meant. */
function loader(file) {
  const path = join(root, file);
  if (path.endsWith('.mjs')) return [path];
  const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
  return ['--import', tsx, path];
}

async function installIfNeeded() {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  // Some packages hold programs for one platform, and addons for one Node.
  const wanted = createHash('sha256')
    .update(lockText)
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .digest('hex');
  if (readText(marker) === wanted) return;
  if (readText(marker) === undefined && matchesInstalled(lockText)) {
    // Somebody ran npm install by hand, and it agrees with the lock file.
    writeFileSync(marker, wanted);
    return;
  }
  console.error('installing dependencies (npm ci)');
  const started = performance.now();
  const progress = setInterval(() => {
    console.error(`installing dependencies: ${Math.round((performance.now() - started) / 1000)} s`);
  }, PROGRESS_INTERVAL_MS);
  const code = await run(...npm(['ci', '--no-audit', '--no-fund']), { cwd: root, stdout: 2 });
  clearInterval(progress);
  if (code !== 0) fail('npm ci failed; its own words are above. Fix that and run the command again.', code);
  writeFileSync(marker, wanted);
}

/** Compares npm's own record of what it installed with the lock file. Optional packages may be of other platforms. */
function matchesInstalled(lockText) {
  const text = readText(join(root, 'node_modules', '.package-lock.json'));
  if (text === undefined) return false;
  const installed = JSON.parse(text).packages ?? {};
  return Object.entries(JSON.parse(lockText).packages ?? {}).every(([path, entry]) => {
    const found = installed[path]?.version;
    return path === '' || found === entry.version || (found === undefined && (entry.optional || entry.peer));
  });
}

/** The npm that runs this script, where one does. */
function npm(args) {
  const path = process.env.npm_execpath;
  if (path !== undefined && /npm-cli\.js$/.test(path)) return [process.execPath, [path, ...args]];
  return ['npm', args];
}

/** Runs a program with this one's streams; resolves to its exit code, 128 + n where signal n ended it. */
function run(program, args, { cwd = process.cwd(), stdout = 'inherit' } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, stdio: ['inherit', stdout, 'inherit'] });
    const forward = (signal) => {
      // A terminal sends Ctrl-C to the child too; a second one would look like impatience.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    const finish = (code) => {
      for (const signal of signals) process.removeListener(signal, forward);
      resolve(code);
    };
    child.once('error', (error) => {
      console.error(`Cannot run ${program}: ${error.message}`);
      finish(127);
    });
    child.once('close', (code, signal) => finish(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function fail(message, code) {
  console.error(message);
  process.exit(code);
}
