// Finds the browser for the tests that need one, and installs Debian's where nothing is there and that is possible.
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const PROGRESS_INTERVAL_MS = 5_000;
const UPDATE_TIMEOUT_MS = 3 * 60_000;
const INSTALL_TIMEOUT_MS = 15 * 60_000;

/** What a person does who wants the browser tests to run. */
export const CHROMIUM_ADVICE =
  'install the package chromium (apt-get install chromium), or name a Chromium in HOLDFAST_CHROMIUM';

/** Path of a Chromium: HOLDFAST_CHROMIUM, else the first of its usual names on the PATH; null when there is none. */
export function findChromium(environment = process.env) {
  const named = environment.HOLDFAST_CHROMIUM ?? '';
  // A wrong name is not papered over with another browser.
  if (named !== '') return isProgram(named) ? named : null;
  return findProgram(NAMES, environment);
}

/**
 * The same, after an attempt to install the Debian package where apt-get is there and may be used. Null when the
 * browser still cannot be had; `onProgress` was then told why.
 */
export async function ensureChromium({
  environment = process.env,
  isRoot = process.getuid?.() === 0,
  onProgress,
}) {
  const found = findChromium(environment);
  if (found !== null) return found;
  if ((environment.HOLDFAST_CHROMIUM ?? '') !== '') {
    onProgress(`HOLDFAST_CHROMIUM names ${environment.HOLDFAST_CHROMIUM}, which is no program`);
    return null;
  }
  const aptGet = findProgram(['apt-get'], environment);
  if (aptGet === null || !isRoot) {
    onProgress(
      `no Chromium, and none can be installed here (${aptGet === null ? 'no apt-get' : 'not root'})`,
    );
    return null;
  }
  const apt = (args, timeoutMs) => runAptGet({ aptGet, args, timeoutMs, environment, onProgress });
  const install = ['install', '-y', '--no-install-recommends', 'chromium'];
  // An index that is missing or old fails at once, and is then fetched.
  const done =
    (await apt(install, INSTALL_TIMEOUT_MS)) ||
    ((await apt(['update'], UPDATE_TIMEOUT_MS)) && (await apt(install, INSTALL_TIMEOUT_MS)));
  const installed = findChromium(environment);
  if (!done || installed === null) onProgress('the package chromium could not be installed');
  return installed;
}

/** True when apt-get ended well. Its own words are shown only when it did not. */
function runAptGet({ aptGet, args, timeoutMs, environment, onProgress }) {
  const what = `apt-get ${args.join(' ')}`;
  const started = performance.now();
  const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;
  onProgress(what);
  return new Promise((resolve) => {
    const child = spawn(aptGet, ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env: { ...environment, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
    });
    let tail = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        tail = (tail + text).slice(-2_000);
      });
    const progress = setInterval(() => onProgress(`${what}: ${seconds()}`), PROGRESS_INTERVAL_MS);
    const end = (problem) => {
      clearInterval(progress);
      onProgress(problem === null ? `${what}: done in ${seconds()}` : `${what}: ${problem}\n${tail.trim()}`);
      resolve(problem === null);
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code, signal) => {
      if (signal !== null) end(`ended by ${signal} after ${seconds()}`);
      else end(code === 0 ? null : `failed with code ${code}`);
    });
  });
}

function findProgram(names, environment) {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find(isProgram) ?? null;
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
