import type { Campaign } from './campaign.ts';
import { r4c } from './r4cRolesKilled.ts';
import { r4 } from './r4TemporalKilled.ts';
import { r5 } from './r5PostgresRestarted.ts';
import { r18 } from './r18Refusals.ts';
import { r19 } from './r19Mute.ts';

/** Every campaign, in the order in which they run. */
export const CAMPAIGNS: readonly Campaign[] = [r4, r5, r4c, r18, r19];
