import { joined, together } from '../golden/part.ts';
import { openStage } from '../golden/stage.ts';
import { playVersions } from '../golden/versions.ts';
import type { Campaign } from './campaign.ts';

/** R22 and R23: forward and back, while runs of both versions wait. */
export const r22: Campaign = {
  id: 'R22',
  promise: 'a deploy or a rollback changes no run that has begun: its prompt, its rules and its code stay',
  run: async (how) => {
    await using stage = await openStage(how);
    const parts = how.quick
      ? [await playVersions(stage, { patched: true })]
      : await together([playVersions(stage, { patched: false }), playVersions(stage, { patched: true })]);
    return joined(parts);
  },
};
