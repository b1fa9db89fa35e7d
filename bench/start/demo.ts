import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Copy } from './copy.ts';

/** What the demo says on its way to the first answer, in order. */
export const MILESTONES = [
  { name: 'Node, the loader of TypeScript, modules', line: /Holdfast demo/ },
  { name: 'PostgreSQL and Temporal, side by side', line: /✓ PostgreSQL and Temporal/ },
  { name: 'the worker: its modules, migrations, the bundle of workflows', line: /✓ a worker/ },
  { name: 'the first message is on its way', line: /^\s+Mara\s{2}/ },
  { name: 'the first answer', line: /^\s+agent\s{2}/ },
] as const;

const ANSWER_MS = 120_000;
const END_MS = 30_000;

/** From the start of the process to each milestone, in milliseconds. Ends the demo once the answer is there. */
export async function timeDemo({ folder, environment }: Copy): Promise<readonly number[]> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, ['scripts/bootstrap.mjs', 'demo', '--yes', '--scripted'], {
    cwd: folder,
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const reached: number[] = [];
  let written = '';
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (what: string) => reject(new Error(`the demo ${what}:\n${written}`));
      const late = setTimeout(() => fail(`gave no answer within ${ANSWER_MS} ms`), ANSWER_MS);
      const read = (line: string) => {
        written += `${line}\n`;
        if (MILESTONES[reached.length]?.line.test(line) === true)
          reached.push(performance.now() - startedAtMs);
        if (reached.length < MILESTONES.length) return;
        clearTimeout(late);
        resolve();
      };
      for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', read);
      void exited.then(() => {
        clearTimeout(late);
        fail('ended before its first answer');
      });
    });
  } finally {
    // It stops its own parts; killed outright, they would be left for its next start to find.
    child.kill('SIGINT');
    const killer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await exited;
    clearTimeout(killer);
  }
  return reached;
}
