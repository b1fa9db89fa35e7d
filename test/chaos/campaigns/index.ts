import type { Campaign } from './campaign.ts';
import { everyEvent } from './everyEvent.ts';
import { r4c } from './r4cRolesKilled.ts';
import { r4 } from './r4TemporalKilled.ts';
import { r5 } from './r5PostgresRestarted.ts';

/** Every campaign, in the order in which they run. */
export const CAMPAIGNS: readonly Campaign[] = [everyEvent, r4, r4c, r5];
