import { LIMITS } from './limits.ts';
import { wellFormed } from './text.ts';

/** Stands where people who paste a signal put their own name. */
export const NAME_PLACEHOLDER = 'YOUR NAME';

/**
 * May this stand for the person who speaks in a decision? The placeholder may not: a signal pasted as it stands would
 * otherwise be a decision by nobody.
 */
export function isName(by: unknown): by is string {
  return (
    typeof by === 'string' &&
    by.length <= LIMITS.personChars &&
    wellFormed(by).trim() !== '' &&
    by.trim() !== NAME_PLACEHOLDER
  );
}
