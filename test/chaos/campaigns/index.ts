import type { Campaign } from './campaign.ts';
import { everyEvent } from './everyEvent.ts';
import { isolation } from './isolation.ts';
import { r18 } from './r18Refusals.ts';
import { r19 } from './r19Mute.ts';
import { r29 } from './r29SteadyLoad.ts';
import { r4 } from './r4TemporalKilled.ts';
import { r4c } from './r4cRolesKilled.ts';
import { r5 } from './r5PostgresRestarted.ts';
import { r6 } from './r6Cuts.ts';
import { r7 } from './r7Frozen.ts';
import { r8 } from './r8RollingRestart.ts';
import { r9 } from './r9SameKey.ts';
import { sizes } from './sizes.ts';
import { versions } from './versions.ts';

/** Every campaign, in the order in which they run. */
export const CAMPAIGNS: readonly Campaign[] = [everyEvent, isolation, sizes, versions, r4, r4c, r5, r6, r7, r8, r9, r18, r19, r29];
