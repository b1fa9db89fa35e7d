import type { Campaign } from './campaign.ts';
import { everyEvent } from './everyEvent.ts';
import { isolation } from './isolation.ts';
import { sizes } from './sizes.ts';
import { versions } from './versions.ts';

/** Every campaign, in the order in which they run. */
export const CAMPAIGNS: readonly Campaign[] = [everyEvent, sizes, isolation, versions];
