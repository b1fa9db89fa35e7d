import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { bundleWorkflows } from '../../../src/replay/bundle.ts';

test('interceptors of workflows are in the bundle, where a worker looks for them, and in no other', async () => {
  const planted = fileURLToPath(new URL('../../chaos/golden/plantedBugs.ts', import.meta.url));
  const [ours, theirs] = await Promise.all([bundleWorkflows(), bundleWorkflows({ interceptors: [planted] })]);
  expect(theirs.code).toContain('a planted bug');
  expect(ours.code).not.toContain('a planted bug');
});
