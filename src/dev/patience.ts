import { setTimeout as delay } from 'node:timers/promises';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Approvers } from '../core/policy.ts';
import { storeDirectory } from '../people/storeDirectory.ts';
import type { Sql } from '../store/connection.ts';
import type { NoticeType } from '../store/notices.ts';
import { showRequest } from './ask.ts';
import { HOUR_MS } from './patientAgent.ts';
import { addPerson, type DemoPerson } from './people.ts';
import type { Approver, Stage } from './play.ts';
import { type Facts, readFacts, runOf } from './proof.ts';

/** An approval that nobody was in a hurry about. */
export interface Patience {
  readonly approval: string;
  /** Who said yes. */
  readonly decider: DemoPerson;
  /** As things were just before they did. */
  readonly before: Facts;
  /** What the store's notices say, in their order. */
  readonly story: readonly StoryLine[];
}

export interface StoryLine {
  /** Since the question was put. */
  readonly hour: number;
  readonly type: NoticeType;
  readonly words: string;
}

/** When Dora looks into her inbox. */
const DECIDED_AT_HOUR = 66;
const POLL_MS = 100;
/** What is due may be done late where the machine is busy. */
const LATE_MS = 60_000;

/**
 * Lets the clerks sleep, and has the director decide once the question has come to her. Nothing here reminds anybody:
 * what is shown is read from the notices that the run has left in the store.
 */
export function waitForDirector(
  stage: Stage,
  order: string,
  onPatience: (patience: Patience) => void,
): Approver {
  return async (record, { workflowId, view, decide }) => {
    const { screen, sql, signal } = stage;
    await addPerson(stage, workflowId, { name: 'Clara', roles: ['clerk'] });
    const decider = await addPerson(stage, workflowId, { name: 'Dora', roles: ['director'] });
    const run = await runOf(sql, workflowId);
    const hoursLeft = Math.round((record.deadlineMs - record.openedAtMs) / HOUR_MS);
    showRequest(screen, record, `decide within ${hoursLeft} hours`);

    const hourAt = (atMs: number) => Math.floor((atMs - record.openedAtMs) / HOUR_MS);
    const story: StoryLine[] = [];
    let before: Facts | null = null;
    const latestMs = performance.now() + (record.deadlineMs - record.openedAtMs) + LATE_MS;
    while (performance.now() < latestMs) {
      const notices = await readNotices(sql, run, record.id);
      for (const { type, data, atMs } of notices.slice(story.length)) {
        const line = { hour: hourAt(atMs), type, words: await wordsOf(sql, type, data) };
        story.push(line);
        screen.said(`hour ${line.hour}`, line.words);
      }
      if (has(story, 'approval.closed')) break;
      const hour = hourAt(await readTime(sql));
      view.waitFor(() => `hour ${hour}: nobody has decided, and nothing runs`);
      if (before === null && hour >= DECIDED_AT_HOUR && has(story, 'approval.escalated')) {
        before = await readFacts(sql, { run, shop: workflowId, order });
        await decide({ approved: true, by: decider.id, reason: null });
      }
      await delay(POLL_MS, undefined, { signal });
    }
    view.waitFor(null);
    if (before !== null) onPatience({ approval: record.id, decider, before, story });
  };
}

function has(story: readonly StoryLine[], type: NoticeType): boolean {
  return story.some((line) => line.type === type);
}

interface Notice {
  readonly type: NoticeType;
  readonly data: JsonObject;
  readonly atMs: number;
}

async function readNotices(sql: Sql, run: string, approval: string): Promise<readonly Notice[]> {
  return sql<Notice[]>`
    select type, body::jsonb -> 'data' as data, (extract(epoch from created_at) * 1000)::float8 as "atMs"
    from notices where run = ${run} and body::jsonb #>> '{data,approval}' = ${approval} order by created_at, id`;
}

/** By the clock that the notices are written by. */
async function readTime(sql: Sql): Promise<number> {
  const [row] = await sql<{ now: number }[]>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`;
  return row?.now ?? 0;
}

async function wordsOf(sql: Sql, type: NoticeType, data: JsonObject): Promise<string> {
  switch (type) {
    case 'approval.opened':
      return `asked the approvers (${whoWords(data.approvers)})`;
    case 'approval.reminder':
      return `reminded the approvers (${whoWords(data.approvers)})`;
    case 'approval.escalated':
      return `escalated to ${whoWords(data.escalatedTo)}`;
    case 'approval.closed': {
      const by = String(data.by ?? '');
      const person = (await storeDirectory(sql).find([by])).get(by);
      return `decided by ${person === undefined ? by : `${person.name} (${person.roles.join(', ')})`}: ${data.state}`;
    }
    default:
      return type;
  }
}

function whoWords(value: unknown): string {
  const { people = [], roles = [] }: Approvers = isObject(value) ? value : {};
  return [...people, ...roles.map((role) => `role ${role}`)].join(', ');
}
