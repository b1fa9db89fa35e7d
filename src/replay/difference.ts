import { LIMITS } from '../core/limits.ts';
import { eventsOf, type HistoryEvent, type NamedHistory } from './history.ts';

/** Where today's code would do something else than a history says, and why the SDK thinks so. */
export interface Difference {
  /** Such as `event 62 ActivityTaskScheduled (endRun)`; null where the SDK does not say. */
  readonly at: string | null;
  readonly why: string;
}

/** What a person does about a difference. */
export const MEND =
  'keep what the old code did for runs that have done it already: if (patched("name of the change")) { new } else { old }; or give this build a new worker version, so that running executions stay with the old one';

export function differenceOf({ history }: NamedHistory, error: Error): Difference {
  const why = wordsOf(error);
  return { at: placeOf(eventsOf(history), why), why };
}

/** The SDK wraps its one sentence into the text form of a whole failure. */
function wordsOf({ message }: Error): string {
  const quoted = /message: "((?:[^"\\]|\\.)*)"/.exec(message)?.[1];
  const words = quoted === undefined ? message : quoted.replace(/\\(.)/g, '$1');
  return words.replace(/^\[TMPRL1100\] Nondeterminism error: /, '').slice(0, LIMITS.reasonChars);
}

function placeOf(events: readonly HistoryEvent[], why: string): string | null {
  const named = /HistoryEvent\(id: (\d+), (\w+)\)/.exec(why);
  if (named !== null) {
    const [, id, type] = named;
    const found = events.find((event) => String(event.eventId) === id);
    const activity = found === undefined ? null : activityOf(found);
    return `event ${id} ${type}${activity === null ? '' : ` (${activity})`}`;
  }
  // Of an activity under another name the SDK says the name, not the event.
  const activity = /scheduled event '([^']+)'/.exec(why)?.[1];
  const scheduled = events.filter((event) => activity !== undefined && activityOf(event) === activity);
  if (scheduled.length === 0) return null;
  const ids = scheduled.map((event) => String(event.eventId));
  const shown =
    ids.length === 1 ? `event ${ids[0]}` : `one of the events ${ids.slice(0, SHOWN_EVENTS).join(', ')}`;
  return `${shown} ActivityTaskScheduled (${activity})`;
}

const SHOWN_EVENTS = 5;

function activityOf(event: HistoryEvent): string | null {
  return event.activityTaskScheduledEventAttributes?.activityType?.name ?? null;
}
