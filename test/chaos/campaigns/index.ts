import type { Campaign } from './campaign.ts';
import { roles } from './roles.ts';

/** Every campaign, in the order in which they run. */
export const CAMPAIGNS: readonly Campaign[] = [roles];
