/** Where the worker process keeps a run when its history has reached an event, so that it can be killed just there. */
export type Hold =
  /** The first workflow task whose history has this many events: before it is worked out, or after and not yet told. */
  | { readonly at: 'task'; readonly events: number; readonly when: 'in' | 'out' }
  /** The activity of this number: before it begins, or when it is done and nobody knows yet. */
  | { readonly at: 'activity'; readonly activity: string; readonly when: 'in' | 'out' }
  /** Nothing is under way: the people it waits for say nothing, or it has ended. */
  | { readonly at: 'rest'; readonly events: number };

/** One event of a history, as far as holds go. */
export interface Event {
  readonly id: number;
  /** `EVENT_TYPE_` left out: `ACTIVITY_TASK_SCHEDULED`. */
  readonly type: string;
  readonly atMs: number;
  /** Of an event about an activity. */
  readonly activity: string | null;
  /** Of the event that scheduled it. */
  readonly activityType: string | null;
  /** The workflow task whose commands wrote it. */
  readonly writtenBy: number | null;
}

/** How a run of this undisturbed history is held when its history has `k` events, and no longer. */
export function holdAt(history: readonly Event[], k: number): Hold {
  const event = history[k - 1];
  if (event === undefined) throw new Error(`event ${k} of ${history.length}: there is none`);
  switch (event.type) {
    case 'ACTIVITY_TASK_SCHEDULED':
      return { at: 'activity', activity: event.activity ?? '', when: 'in' };
    case 'ACTIVITY_TASK_STARTED':
      return { at: 'activity', activity: event.activity ?? '', when: 'out' };
    case 'WORKFLOW_TASK_STARTED':
      return { at: 'task', events: k, when: 'out' };
    default:
      break;
  }
  const task = event.type === 'WORKFLOW_TASK_COMPLETED' ? event.id : event.writtenBy;
  // What came from outside is followed by a workflow task.
  if (task === null) return { at: 'task', events: k, when: 'in' };
  // What a workflow task wrote stands there at once, all of it.
  const scheduled = history.find(
    ({ writtenBy, type }) => writtenBy === task && type === 'ACTIVITY_TASK_SCHEDULED',
  );
  return scheduled === undefined
    ? { at: 'rest', events: k }
    : { at: 'activity', activity: scheduled.activity ?? '', when: 'in' };
}

/** What a worker process is told at its start: the hold of each workflow. */
export type Plan = Readonly<Record<string, Hold>>;

/** What it says. */
export type Said = { readonly kind: 'ready' } | { readonly kind: 'held'; readonly workflowId: string };
