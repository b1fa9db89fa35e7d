import { setTimeout as delay } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { importShop } from '../agents/support/copies.ts';
import { seed } from '../agents/support/seed/index.ts';
import type { HoldfastClient } from '../client.ts';
import type { ApprovalRecord } from '../core/approvals.ts';
import { totalTokens } from '../core/messages.ts';
import type { ScriptedModel } from '../models/scripted/server.ts';
import type { Sql } from '../store/connection.ts';
import { databaseOf } from '../store/database.ts';
import {
  AGENT_RUN,
  approvalsQuery,
  type Reply,
  type RunResult,
  type StartInput,
  sendUpdate,
} from '../workflows/messages.ts';
import { type Answer, askAbout, type Decider } from './ask.ts';
import { declinedReturn, NUDGE, type ScriptedConversation } from './conversations.ts';
import { followRun } from './follow.ts';
import { within } from './interrupt.ts';
import { addPerson } from './people.ts';
import type { Screen } from './screen.ts';
import { ConversationView } from './view.ts';
import type { WorkerExit, WorkerProcess } from './workerProcess.ts';

/** Points to the releases of today; `live` is left alone. */
export const CHANNEL = 'demo';

/** What the conversations of one demo have in common. */
export interface Stage {
  /** Begins the workflow ids of this demo. */
  readonly demo: string;
  readonly client: Client;
  /** Speaks for people, and signs what they say where the environment has a key. */
  readonly holdfast: HoldfastClient;
  readonly sql: Sql;
  readonly taskQueue: string;
  readonly screen: Screen;
  /** Null when a real model answers. */
  readonly model: ScriptedModel | null;
  readonly decider: Decider;
  readonly signal: AbortSignal;
  /** Something to undo when the demo ends, however it ends. */
  readonly onEnd: (undo: () => Promise<unknown>) => void;
  /** The worker that polls now. */
  worker: WorkerProcess;
}

export interface Talk {
  readonly workflowId: string;
  readonly result: RunResult;
  /** The last thing the agent said. */
  readonly answer: string;
  /** What was decided on approvals. */
  readonly decisions: readonly Answer[];
  readonly steps: number;
  readonly tokens: number;
  readonly durationMs: number;
}

/** What to do when the worker ends in the middle; without it that is an error. Rejects when the next one ends too. */
export type OnWorkerExit = (
  exit: WorkerExit,
  run: { readonly workflowId: string; readonly view: ConversationView },
) => Promise<never>;

/** Gets one request decided: calls `decide` at most once, and returns when there is nothing left to show of it. */
export type Approver = (
  record: ApprovalRecord,
  run: {
    readonly workflowId: string;
    readonly view: ConversationView;
    readonly decide: (answer: Answer) => Promise<void>;
  },
) => Promise<void>;

export interface Twists {
  readonly onWorkerExit?: OnWorkerExit | undefined;
  /** Default: whoever the stage's decider is. */
  readonly approver?: Approver | undefined;
}

/** What the customers are to the agent: each is the requester of one conversation, with a shop to themselves. */
export const REQUESTER = 'demo-customer';

const REPLY_TIMEOUT_MS = 3 * 60_000;
const RESULT_TIMEOUT_MS = 60_000;
/** Longer than any approver takes. */
const DECISION_TIMEOUT_MS = 30 * 60_000;
const CANCEL_MS = 3_000;
const MAX_ASKS = 20;
const ASK_AGAIN_MS = 200;
const MAX_NUDGES = 2;

export function workflowIdOf(demo: string, conversation: ScriptedConversation): string {
  return `${demo}-${conversation.script.id}`;
}

/** Plays one conversation to its end, on an untouched copy of the shop, and shows it. */
export async function playConversation(
  stage: Stage,
  conversation: ScriptedConversation,
  twists: Twists = {},
): Promise<Talk> {
  const { client, holdfast, sql, screen, signal } = stage;
  const { onWorkerExit, approver = askingAbout(stage) } = twists;
  const { agent } = conversation;
  const workflowId = workflowIdOf(stage.demo, conversation);
  const startedMs = performance.now();
  await importShop(databaseOf(sql), workflowId, seed);
  const handle = await client.workflow.start<(input: StartInput) => Promise<RunResult>>(AGENT_RUN, {
    workflowId,
    taskQueue: stage.taskQueue,
    staticSummary: `${agent}: ${conversation.title}`,
    args: [{ v: 1, agent, channel: CHANNEL, requester: { id: REQUESTER, tenant: workflowId } }],
  });
  const view = new ConversationView(screen, conversation.customer);
  const follower = followRun(client, workflowId, (happening, atMs) => view.show(happening, atMs));
  const exited = stage.worker.exited.then((exit) => {
    if (onWorkerExit === undefined || signal.aborted) throw workerEnded(exit, stage.worker);
    return onWorkerExit(exit, { workflowId, view });
  });
  const broken = new Promise<never>((_, reject) => exited.catch(reject));
  // It is raced against everything below; when nothing races any more its failure is old news.
  broken.catch(() => undefined);
  const orBroken = <Result>(work: Promise<Result>, what: string, timeoutMs: number) =>
    within(Promise.race([work, broken, follower.ended.then(() => work)]), { signal, timeoutMs, what });

  const decisions: Answer[] = [];
  const say = async (text: string, id: string): Promise<Reply> => {
    const decided = new Set<string>();
    for (let asks = 0; asks < MAX_ASKS; asks++) {
      const sending = handle.executeUpdate(sendUpdate, {
        args: [{ text, by: REQUESTER, id }],
        updateId: `${id}-${asks}`,
      });
      const reply = await orBroken(sending, 'an answer', REPLY_TIMEOUT_MS);
      await orBroken(
        follower.until(
          (one) => one.kind === 'replied' && one.reply.messageId === id && isSame(one.reply, reply),
        ),
        'the history to show the answer',
        REPLY_TIMEOUT_MS,
      );
      if (reply.kind === 'answered' || reply.kind === 'landed' || reply.kind === 'ended') return reply;
      if (reply.kind === 'moved') continue;
      const open = await orBroken(handle.query(approvalsQuery), 'the open approvals', REPLY_TIMEOUT_MS);
      for (const record of open.filter(({ id: approval }) => !decided.has(approval))) {
        decided.add(record.id);
        // What became of an effect is a question about facts, which a demo cannot answer.
        if (record.kind !== 'call') return { ...reply, kind: 'landed' };
        const decide = async ({ approved, by, reason }: Answer) => {
          decisions.push({ approved, by, reason });
          if (!approved) prepareForNo(stage, conversation);
          await holdfast.decide({
            workflowId,
            approval: record.id,
            kind: approved ? 'approve' : 'reject',
            by,
            ...(record.argsHash !== null && { argsHash: record.argsHash }),
            ...(reason !== null && { reason }),
          });
        };
        await orBroken(
          approver(record, { workflowId, view, decide }),
          `a decision on ${record.id}`,
          DECISION_TIMEOUT_MS,
        );
      }
      await delay(ASK_AGAIN_MS, undefined, { signal });
    }
    const { state, waitsFor } = await holdfast.status(workflowId);
    throw new Error(
      `message ${id} of ${workflowId} is not answered after ${MAX_ASKS} tries; the run is ${state} and waits for ${waitsFor}`,
    );
  };

  try {
    let last = await sayAll(say, conversation.texts);
    for (let nudge = 0; nudge < MAX_NUDGES && last.kind === 'answered'; nudge++) {
      if (stage.model !== null || conversation.texts.length === 1 || (await hasActed(sql, workflowId))) break;
      last = await say(NUDGE, `nudge${nudge}`);
    }
    if (last.kind === 'answered') await holdfast.close({ workflowId, by: REQUESTER });
    else if (last.kind === 'landed')
      await holdfast.cancel({ workflowId, by: REQUESTER, reason: 'the demo ends' });
    const result = await orBroken(handle.result(), 'the end of the run', RESULT_TIMEOUT_MS);
    await orBroken(follower.ended, 'the end of the history', RESULT_TIMEOUT_MS);
    const [row] = await sql<{ step: number }[]>`select step from runs where run = ${result.run}`;
    return {
      workflowId,
      result,
      answer: result.answer ?? last.text ?? '',
      decisions,
      steps: row?.step ?? 0,
      tokens: totalTokens(result.usage),
      durationMs: performance.now() - startedMs,
    };
  } catch (error) {
    await endEarly(holdfast, handle);
    throw error;
  } finally {
    view.close();
  }
}

/** Asks whoever decides in this demo, and puts them into the directory: where decisions are signed, only they count. */
function askingAbout(stage: Stage): Approver {
  return async (record, { workflowId, decide }) => {
    const answer = await askAbout(record, stage);
    const { id } = await addPerson(stage, workflowId, { name: answer.by, roles: [] });
    await decide({ ...answer, by: id });
  };
}

/** A demo that breaks off leaves no run behind: the run ends itself where a worker is alive, or is ended. */
async function endEarly(
  holdfast: HoldfastClient,
  handle: Pick<WorkflowHandle<() => Promise<RunResult>>, 'workflowId' | 'result' | 'terminate'>,
): Promise<void> {
  const cancelled = holdfast
    .cancel({ workflowId: handle.workflowId, by: REQUESTER, reason: 'the demo broke off' })
    .then(() => handle.result());
  const late = delay(CANCEL_MS, 'late' as const, { ref: false });
  const how = await Promise.race([cancelled.catch(() => 'late' as const), late]);
  if (how !== 'late') return;
  await Promise.race([
    handle.terminate('the demo broke off').catch(() => undefined),
    delay(CANCEL_MS, undefined, { ref: false }),
  ]);
}

/** The customer's lines one after the other, until the agent stops answering. */
async function sayAll(
  say: (text: string, id: string) => Promise<Reply>,
  texts: readonly string[],
): Promise<Reply> {
  let reply: Reply = { kind: 'ended', messageId: '' };
  for (const [i, text] of texts.entries()) {
    reply = await say(text, `m${i + 1}`);
    if (reply.kind !== 'answered') break;
  }
  return reply;
}

/** The script of a conversation cannot know what a person will say: after a no it goes on as the declined one does. */
function prepareForNo(stage: Stage, conversation: ScriptedConversation): void {
  const { id, opening } = conversation.script;
  stage.model?.add({ ...declinedReturn.script, id, opening });
}

async function hasActed(sql: Sql, workflowId: string): Promise<boolean> {
  const rows = await sql`
    select 1 from runs r where workflow_id = ${workflowId} and (
      exists (select 1 from effects e where e.run = r.run) or exists (select 1 from approvals a where a.run = r.run))`;
  return rows.length > 0;
}

function isSame(shown: Reply, reply: Reply): boolean {
  return shown.kind === reply.kind && shown.text === reply.text;
}

export function workerEnded(exit: WorkerExit, worker: WorkerProcess): Error {
  return new Error(`worker ${worker.pid} ended by itself (${exit.words})\n${worker.tail().trim()}`.trim());
}
