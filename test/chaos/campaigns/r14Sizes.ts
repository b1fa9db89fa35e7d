import { joined } from '../golden/part.ts';
import { QUICK_SIZE_CASES, SIZE_CASES } from '../golden/sizes.ts';
import { playSizes } from '../golden/sizing.ts';
import { openStage } from '../golden/stage.ts';
import type { Campaign } from './campaign.ts';

/** R14: one byte below every limit, at it, one above, and far beyond. */
export const r14: Campaign = {
  id: 'R14',
  promise:
    'no size of a result, argument, message or answer wedges a run: it is kept whole, or refused in words that name the limit, and history holds none of it but the message of a start',
  run: async (how) => {
    await using stage = await openStage(how);
    return joined([await playSizes(stage, how.quick ? QUICK_SIZE_CASES : SIZE_CASES)]);
  },
};
