import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleWorkflows } from '../../../src/replay/bundle.ts';

const root = resolve(import.meta.dirname, '../../..');
const planted = fileURLToPath(new URL('../../chaos/golden/plantedBugs.ts', import.meta.url));

test('interceptors of workflows are in the bundle, where a worker looks for them, and in no other', async () => {
  const [ours, theirs] = await Promise.all([bundleWorkflows(), bundleWorkflows({ interceptors: [planted] })]);
  expect(theirs.code).toContain('a planted bug');
  expect(ours.code).not.toContain('a planted bug');
});

describe('a build', () => {
  // Within the project: what is built looks for its packages in the folders above.
  const built = join(root, '.holdfast', `build-${process.pid}`);
  const build = () => execFileSync(process.execPath, ['scripts/finishBuild.mjs', built], { cwd: root });
  const load = async () =>
    (await import(
      pathToFileURL(join(built, 'replay/bundle.js')).href
    )) as typeof import('../../../src/replay/bundle.ts');

  beforeAll(() => {
    const compiler = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', built];
    execFileSync(process.execPath, compiler, { cwd: root });
    build();
  });
  afterAll(() => rmSync(built, { recursive: true, force: true }));

  test('has the workflows of its sources in one file, and that is what its workers run', async () => {
    const { BUILT_BUNDLE, ...module } = await load();
    expect((await module.bundleWorkflows()).code).toBe(readFileSync(BUILT_BUNDLE, 'utf8'));
    writeFileSync(BUILT_BUNDLE, 'of another build');
    expect((await module.bundleWorkflows()).code).toBe('of another build');
    expect((await module.bundleWorkflows({ interceptors: [planted] })).code).toContain('a planted bug');
    build();
    const { code } = await module.bundleWorkflows();
    expect(code).toContain('agentRun');
    expect(code).not.toBe('of another build');
  });

  test('goes on with the runs that earlier releases began', async () => {
    const [module, { assertReplays }] = await Promise.all([
      load(),
      import(pathToFileURL(join(built, 'replay/shipped.js')).href) as Promise<
        typeof import('../../../src/replay/shipped.ts')
      >,
    ]);
    await assertReplays(await module.bundleWorkflows());
  });
});
