import { joined, together } from '../golden/part.ts';
import { playBugs, playDrift } from '../golden/planting.ts';
import { POISONS } from '../golden/poison.ts';
import { playPoison } from '../golden/poisoning.ts';
import { openStage } from '../golden/stage.ts';
import { SPINS, THROWS } from '../golden/words.ts';
import type { Campaign } from './campaign.ts';

/** It ends its worker from inside a workflow task first, and then by itself: 20 s of waiting for what is lost. */
const QUICK_TOOLS: readonly string[] = ['read_quick_exits'];

/** R21: whoever crashes crashes alone. */
export const r21: Campaign = {
  id: 'R21',
  promise: 'a run that crashes its worker, or whose code cannot go on, keeps no other run from its end',
  run: async (how) => {
    await using stage = await openStage(how);
    const tools = POISONS.map(({ labels }) => labels.name);
    const parts = await together([
      how.quick ? playPoison(stage, QUICK_TOOLS, 1) : playPoison(stage, tools, 4),
      playBugs(stage, how.quick ? [THROWS] : [THROWS, SPINS]),
      playDrift(stage),
    ]);
    return joined(parts);
  },
};
