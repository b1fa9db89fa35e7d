import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const DIR = import.meta.dirname;
const PROGRESS_MS = 5_000;
const INSTALL_MS = 10 * 60_000;

export const HOW_TO_INSTALL = 'npm ci --prefix bench/peers';

/** Whether every package of `package.json` is there in the version that it names. */
export function arePeersInstalled(): boolean {
  const { dependencies } = JSON.parse(readFileSync(join(DIR, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return Object.entries(dependencies).every(([name, version]) => versionOf(name) === version);
}

function versionOf(name: string): string | null {
  try {
    return JSON.parse(readFileSync(join(DIR, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return null;
  }
}

/** Null when they are there now, else why not. */
export async function installPeers(progress: (line: string) => void): Promise<string | null> {
  progress(`installing the peers (${HOW_TO_INSTALL}), once`);
  const startedAtMs = performance.now();
  const tick = setInterval(
    () => progress(`installing the peers: ${Math.round((performance.now() - startedAtMs) / 1_000)} s`),
    PROGRESS_MS,
  );
  const ended = await new Promise<string>((resolve) => {
    const child = spawn('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: DIR,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: INSTALL_MS,
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `npm ended (${signal ?? code})`));
  });
  clearInterval(tick);
  if (ended !== '') return ended;
  return arePeersInstalled() ? null : 'npm installed other versions than package.json names';
}
