import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Space, other letters and per cent are written in another way in a URL. (`#` and `?` are beyond the loader.) */
test('agents load from a folder with any name: those that ship, and those that a path names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wörk 100% '));
  try {
    for (const part of ['src', 'package.json', 'tsconfig.json'])
      await cp(join(ROOT, part), join(folder, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const names = JSON.stringify([
      'support',
      './src/agents/support/index.ts',
      join(folder, 'src/dev/patientAgent.ts'),
    ]);
    const program = `import { loadAgents } from './src/worker.ts';
      console.log((await loadAgents(${names})).map(({ release }) => release.agent).join());`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', program],
      { cwd: folder },
    );
    expect(stdout.trim()).toBe('support,support,support-patient');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
