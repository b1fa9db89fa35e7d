import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new folder that others may enter; removed when the test ends. */
export function makeFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  chmodSync(dir, 0o755);
  onTestFinished(() => removeFolder(dir));
  return dir;
}

/** Removes a folder, and what its stack kept outside of it. */
export function removeFolder(dir: string): void {
  for (const stackDir of [dir, join(dir, 'stack')]) {
    const pointer = join(stackDir, 'postgres.elsewhere');
    if (existsSync(pointer)) {
      const data = readFileSync(pointer, 'utf8').split(' ')[0] ?? '';
      rmSync(dirname(dirname(data)), { recursive: true, force: true });
    }
  }
  rmSync(dir, { recursive: true, force: true });
}

/** The processes (Linux) that work in this folder or name it on their command line. */
export function findProcessesUsing(dir: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes(dir) || readlinkSync(`/proc/${pid}/cwd`).startsWith(dir);
      } catch {
        return false;
      }
    });
}

export async function isListening(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
