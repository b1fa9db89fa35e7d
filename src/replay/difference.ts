import type { NamedHistory } from './history.ts';

export interface Difference {
  /** Such as `17 ActivityTaskScheduled`; null where the SDK names none. */
  readonly event: string | null;
  /** In the SDK's words. */
  readonly why: string;
}

export function differenceOf(_named: NamedHistory, error: Error): Difference {
  return { event: null, why: error.message };
}
