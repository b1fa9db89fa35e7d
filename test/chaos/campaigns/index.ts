import type { Campaign } from './campaign.ts';
import { r2 } from './r2EveryEvent.ts';
import { r3 } from './r3CrashPoints.ts';
import { r4c } from './r4cRolesKilled.ts';
import { r4 } from './r4TemporalKilled.ts';
import { r5 } from './r5PostgresRestarted.ts';
import { r6 } from './r6Cuts.ts';
import { r7 } from './r7Frozen.ts';
import { r8 } from './r8RollingRestart.ts';
import { r9 } from './r9SameKey.ts';
import { r14 } from './r14Sizes.ts';
import { r18 } from './r18Refusals.ts';
import { r19 } from './r19Mute.ts';
import { r21 } from './r21Isolation.ts';
import { r22 } from './r22Versions.ts';
import { r27 } from './r27DiskFull.ts';
import { r29 } from './r29SteadyLoad.ts';

/** Every campaign, in the order in which they run. */
export const CAMPAIGNS: readonly Campaign[] = [
  r2,
  r3,
  r4,
  r4c,
  r5,
  r6,
  r7,
  r8,
  r9,
  r14,
  r18,
  r19,
  r21,
  r22,
  r27,
  r29,
];
