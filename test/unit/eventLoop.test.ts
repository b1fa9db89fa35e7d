import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MODULE = fileURLToPath(new URL('../../src/eventLoop.ts', import.meta.url));

/** Watches its own loop, and then does this. */
function run(body: string): Promise<{ readonly signal: NodeJS.Signals | null; readonly said: string }> {
  const code = `
    const { watchEventLoop } = await import(${JSON.stringify(MODULE)});
    const stop = watchEventLoop({ stuckMs: 400, everyMs: 100 });
    ${body}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  return new Promise((resolve) => child.once('close', (_, signal) => resolve({ signal, said })));
}

test('a process whose event loop does not turn any more is ended, and says why', async () => {
  // It turns for a while first, so that the watch has begun.
  const { signal, said } = await run('setTimeout(() => { for (;;); }, 300);');
  expect(signal).toBe('SIGKILL');
  expect(said).toContain('has not turned for 400 ms');
});

test('one that works, or has nothing to do, is left alone and may end by itself', async () => {
  const { signal } = await run(`
    const until = performance.now() + 1_500;
    const turn = () => { if (performance.now() < until) setImmediate(turn); };
    turn();`);
  expect(signal).toBe(null);
});
