import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createActivities } from '../../src/activities/index.ts';
import type { ActivityServices } from '../../src/activities/services.ts';
import type { RunPhase } from '../../src/core/runPhases.ts';
import { eventsOf, type HistoryEvent, type NamedHistory } from '../../src/replay/history.ts';
import type { Outcome } from '../../src/workflows/messages.ts';
import * as messages from '../../src/workflows/messages.ts';
import { TIMERS, timerKind } from './timers.ts';

// What the recorded histories have to hold between them, so that a change to any of it is seen. Named by kind and word.

const PHASES = {
  running: true,
  idle: true,
  waiting: true,
  landed: true,
  unknown: true,
  held: true,
  paused: true,
  outage: true,
  budget: true,
  bug: true,
  ended: true,
} as const satisfies Record<RunPhase, true>;

const OUTCOMES = {
  completed: true,
  partial: true,
  escalated: true,
  refused: true,
  cancelled: true,
  failed: true,
} as const satisfies Record<Outcome, true>;

/** What the engine tells a run, as events name it. */
const TURNS = [
  'timerStarted',
  'timerFired',
  'timerCanceled',
  'activityTaskFailed',
  'activityTaskCancelRequested',
  'workflowExecutionCancelRequested',
  'workflowExecutionContinuedAsNew',
  'workflowExecutionCompleted',
] as const;

/** Everything that some history must hold: `activity runTool`, `signal decide`, `phase held`, … */
export function wanted(): readonly string[] {
  // Only the names are read; nothing is called.
  const activities = Object.keys(createActivities({ secrets: [] } as unknown as ActivityServices));
  const definitions = Object.values(messages).filter((one) => typeof one === 'object');
  const named = (type: 'signal' | 'update') =>
    definitions.filter((one) => one.type === type).map((one) => `${type} ${one.name}`);
  return [
    ...workflowTypes().map((name) => `workflow ${name}`),
    ...activities.map((name) => `activity ${name}`),
    ...named('signal'),
    ...named('update'),
    ...Object.keys(PHASES).map((name) => `phase ${name}`),
    ...Object.keys(OUTCOMES).map((name) => `outcome ${name}`),
    ...TURNS.map((name) => `event ${name}`),
    ...Object.keys(TIMERS).map((kind) => `timer "${kind}"`),
    'parked waiting',
  ];
}

function workflowTypes(): readonly string[] {
  const text = readFileSync(resolve(import.meta.dirname, '../../src/workflows/index.ts'), 'utf8');
  return [...text.matchAll(/^export \{ (\w+) \}/gm)].map((match) => match[1] ?? '');
}

/** What no history holds, and timers that some history holds and that are of no kind with a name. */
export function missing(histories: readonly NamedHistory[]): readonly string[] {
  const held = new Set(histories.flatMap(({ history }) => [...heldBy(eventsOf(history))]));
  return [
    ...wanted().filter((one) => !held.has(one)),
    ...[...held].filter((one) => one.startsWith(NAMELESS)),
  ];
}

const NAMELESS = 'a name in test/replay/timers.ts for the timer';

function* heldBy(events: readonly HistoryEvent[]): Generator<string> {
  let phase = '';
  for (const event of events) {
    const attributes = Object.keys(event).find((key) => key.endsWith('EventAttributes')) ?? '';
    yield `event ${attributes.replace('EventAttributes', '')}`;
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) yield `workflow ${started.workflowType?.name}`;
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) yield `activity ${scheduled.activityType?.name}`;
    const local = localActivityOf(event);
    if (local !== null) yield `activity ${local}`;
    if (event.timerStartedEventAttributes) {
      const summary = wordIn(event.userMetadata?.summary) ?? '';
      const kind = timerKind(summary);
      yield kind === null ? `${NAMELESS} "${summary}"` : `timer "${kind}"`;
    }
    const signal = event.workflowExecutionSignaledEventAttributes;
    if (signal) yield `signal ${signal.signalName}`;
    const update = event.workflowExecutionUpdateAcceptedEventAttributes;
    if (update) yield `update ${update.acceptedRequest?.input?.name}`;
    const fields = event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields;
    const state = wordIn(fields?.HoldfastState);
    const outcome = wordIn(fields?.HoldfastOutcome);
    if (state !== null) phase = state;
    if (state !== null) yield `phase ${state}`;
    if (outcome !== null) yield `outcome ${outcome}`;
  }
  const last = Object.keys(events.at(-1) ?? {}).join(' ');
  if (!/Execution(Completed|ContinuedAsNew|Failed)/.test(last)) yield `parked ${phase}`;
}

type Payload = NonNullable<
  NonNullable<HistoryEvent['upsertWorkflowSearchAttributesEventAttributes']>['searchAttributes']
>['indexedFields'];

function wordIn(payload: NonNullable<Payload>[string] | null | undefined): string | null {
  if (payload?.data == null) return null;
  const value: unknown = JSON.parse(Buffer.from(payload.data).toString());
  return typeof value === 'string' ? value : null;
}

/** A local activity leaves a marker, which holds its type as JSON. */
function localActivityOf(event: HistoryEvent): string | null {
  const marker = event.markerRecordedEventAttributes;
  if (marker?.markerName !== 'core_local_activity') return null;
  const [data] = marker.details?.data?.payloads ?? [];
  return /"activity_?[tT]ype":"(\w+)"/.exec(Buffer.from(data?.data ?? []).toString())?.[1] ?? null;
}
