import { inject } from 'vitest';
import { CHROMIUM_ADVICE, findChromium } from '../../scripts/chromium.mjs';

/** What a browser test needs besides the stack. */
export interface BrowserNeeds {
  readonly chromium: string;
  readonly uiUrl: string;
}

/** Null where something is missing: said aloud, and an error where CI=true demands everything. */
export function browserNeeds(): BrowserNeeds | null {
  const chromium = findChromium();
  const uiUrl = inject('uiUrl');
  if (chromium !== null && uiUrl !== null) return { chromium, uiUrl };
  const why =
    chromium === null
      ? `there is no Chromium here: ${CHROMIUM_ADVICE}`
      : 'TEMPORAL_ADDRESS names a server whose UI is unknown: unset it, and the tests start their own';
  if (process.env.CI === 'true')
    throw new Error(`the browser tests cannot run, and CI=true demands them; ${why}`);
  console.warn(`LEFT OUT: the browser tests; ${why}`);
  return null;
}
