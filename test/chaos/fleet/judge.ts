import type { RunId } from '../../../src/core/ids.ts';
import { DEFAULT_RUN_LIMITS } from '../../../src/core/limits.ts';
import { verifyAudit } from '../../../src/store/integrity.ts';
import type { Report } from '../campaigns/campaign.ts';
import { broken } from '../checker.ts';
import { type Facts, readFacts } from '../facts.ts';
import { readCards } from './cards.ts';
import { APPROVERS, ASKED, LOOK } from './clerk.ts';
import type { Noted } from './customer.ts';
import { strayedFrom } from './expected.ts';
import type { Fleet } from './fleet.ts';
import { keepHistories } from './kept.ts';
import { replayAll } from './replays.ts';
import { hiddenTimes, leakingTables } from './secrecy.ts';

// What came of a load, by ledger, books, audit, conversation, run rows and the server's own word: V1 to V9.

export interface JudgeOptions {
  /** Fewer prove nothing. */
  readonly runsAtLeast: number;
  readonly effectsAtLeast: number;
  /** Histories that are replayed at most; default 400. */
  readonly replaysMost?: number;
  /**
   * A process was frozen: what it sends when it wakes nobody can fence. Effects of services that ignore keys may then
   * have been done once more, if the ledger says so itself.
   */
  readonly frozen?: boolean;
}

export interface Verdict {
  readonly runs: number;
  /** Effects that the outside world saw. */
  readonly effects: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly histories: Required<Report>['histories'];
  readonly problems: readonly string[];
  readonly vacuous: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

const AT_ONCE = 6;
const PROBLEMS = 40;
/** Every run of a quick campaign, and of a full one those that met a fault first: 400 take some ten seconds. */
const REPLAYS_MOST = 400;
/** Each is a question to a living worker. */
const CARDS = 20;
/** A run's row says that it ended a moment before its workflow has. */
const CLOSING_MS = 10_000;

interface Judged {
  readonly noted: Noted;
  readonly facts: Facts | null;
  readonly problems: readonly string[];
  readonly lost: number;
}

/** Call it when the load is over: what is still open then has to have a reason with a deadline. */
export async function judge(fleet: Fleet, options: JudgeOptions): Promise<Verdict> {
  const { sql, payments, people } = fleet;
  const judged: Judged[] = [];
  const waiting = [...fleet.runs];
  const work = async () => {
    for (let noted = waiting.shift(); noted !== undefined; noted = waiting.shift())
      judged.push(await judgeRun(fleet, noted, options));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const problems = judged.flatMap((one) => one.problems);
  problems.push(...people.problems);
  problems.push(...fleet.workers.flatMap((worker) => worker.diedOfItself() ?? []));

  const known = new Set((await sql<{ key: string }[]>`select key from effects`).map(({ key }) => key));
  const acted = [...payments.books].filter(([, { acts }]) => acts > 0);
  const unrecorded = acted.filter(([key]) => !known.has(key));
  problems.push(...unrecorded.map(([key]) => `V1: ${key} was done and the ledger has no row of it`));
  const strangers = await sql<{ workflow_id: string; runs: number }[]>`
    select workflow_id, count(*)::int as runs from runs group by workflow_id having count(*) > 1`;
  problems.push(...strangers.map((one) => `V1: ${one.workflow_id} was started ${one.runs} times`));
  const open = await sql<{ id: string }[]>`select id from approvals where state = 'open'`;
  const undone = people.decided.filter(({ approval }) => open.some(({ id }) => id === approval));
  problems.push(
    ...undone.map(({ approval }) => `V9: the decision on ${approval} was acknowledged, and it is still open`),
  );
  const audit = await verifyAudit(sql);
  problems.push(...audit.faults.map((fault) => `V8: ${fault.problem}`));
  const ended = judged.filter(({ noted }) => noted.outcome !== null);
  const replayFromMs = Date.now();
  const replays = await replayAll(fleet.client, inOrderOfTrouble(ended), options.replaysMost ?? REPLAYS_MOST);
  const replayMs = Date.now() - replayFromMs;
  problems.push(...replays.problems);
  const odd = [
    ...replays.differing,
    ...judged.filter((one) => one.problems.length > 0).map(({ noted }) => noted.plan.workflowId),
  ];
  if (odd.length > 0) problems.push(await keepHistories(fleet.client, odd));
  const cards = await readCards(fleet, inOrderOfTrouble(ended).slice(0, CARDS));
  problems.push(...cards.leaking.map((workflowId) => `V7: a secret is on the card of ${workflowId}`));
  const leaking = [...(await leakingTables(sql)).map((table) => `table ${table}`), ...leakingLogs(fleet)];
  problems.push(...leaking.map((where) => `V7: a secret is in ${where}`));
  problems.push(...fleet.model.problems.map((problem) => `the model refused a request: ${problem}`));

  const runs = ended.length;
  const effects = acted.length;
  const duplicated = acted.filter(([, { acts }]) => acts > 1).length;
  const vacuous = [
    ...(runs < options.runsAtLeast ? [`${runs} runs ended, ${options.runsAtLeast} were expected`] : []),
    ...(effects < options.effectsAtLeast
      ? [`${effects} effects, ${options.effectsAtLeast} were expected`]
      : []),
    ...(audit.rows === 0 ? ['the audit is empty'] : []),
    ...(cards.asked > 0 && cards.read === 0 ? ['no card could be read'] : []),
    ...((await hiddenTimes(sql)) === 0 ? ['no tool let a secret slip'] : []),
  ];
  const states = judged.flatMap(({ facts }) => facts?.effects ?? []);
  return {
    runs,
    effects,
    lost: judged.reduce((sum, one) => sum + one.lost, unrecorded.length + undone.length),
    duplicated,
    histories: { replayed: replays.replayed, of: replays.read },
    problems: bounded(problems),
    vacuous,
    figures: {
      acknowledgedMessages: fleet.runs.reduce((sum, { heard }) => sum + heard.length, 0),
      acknowledgedDecisions: people.decided.length,
      askedWhatHappened: people.decided.filter(({ kind }) => kind === 'answer').length,
      takenOver: states.filter(({ fence }) => fence > 1).length,
      honestlyNotDone: states.filter(({ state }) => state === 'void' || state === 'refused').length,
      auditRows: audit.rows,
      replayMs,
      cardsRead: cards.read,
      slowestRunMs: Math.max(0, ...ended.map(({ noted }) => (noted.endedAtMs ?? 0) - noted.askedAtMs)),
    },
  };
}

async function judgeRun(fleet: Fleet, noted: Noted, options: JudgeOptions): Promise<Judged> {
  const { sql, payments } = fleet;
  const { workflowId } = noted.plan;
  const named = (problem: string) => `${workflowId}: ${problem}`;
  const problems: string[] = [];
  if (noted.left !== null) problems.push(named(`V5: the customer left: ${noted.left}`));
  const [row] = await sql<{ run: RunId }[]>`select run from runs where workflow_id = ${workflowId}`;
  if (row === undefined) {
    const acknowledged = noted.startedAtMs !== null;
    if (acknowledged) problems.push(named('V9: its start was acknowledged, and the store does not know it'));
    return { noted, facts: null, problems, lost: acknowledged ? 1 : 0 };
  }
  const facts = await readFacts(sql, row.run, (key) => payments.of(key).acts).catch((error: unknown) => {
    problems.push(
      named(`V3: its conversation cannot be read: ${error instanceof Error ? error.message : error}`),
    );
    return null;
  });
  if (facts === null) return { noted, facts, problems, lost: 1 };
  const found = broken(facts, {
    actsMax: options.frozen === true ? (key) => mostActs(facts, key) : 1,
    asks: (tool) => (tool === ASKED ? { people: APPROVERS, quorum: 1 } : null),
    decisions: fleet.people.notes,
    reads: (tool) => tool === LOOK,
    heard: noted.heard.map(({ text }) => text),
    limitMicroUsd: noted.plan.limits.costMicroUsdPerRun ?? DEFAULT_RUN_LIMITS.costMicroUsdPerRun,
  });
  problems.push(...found.map(named));
  const stands = await standing(fleet, workflowId, facts.run.state);
  if (stands !== null) problems.push(named(stands));
  const unheard = found.filter((problem) => problem.startsWith('V9')).length;
  // One that has not ended is told of above: what it still has to do is not lost yet.
  if (noted.outcome === null) return { noted, facts, problems, lost: unheard };
  if (noted.outcome !== facts.run.outcome)
    problems.push(named(`its customer was told ${noted.outcome}, and the store says ${facts.run.outcome}`));
  const { lost, unwanted } = strayedFrom(noted.plan, facts);
  problems.push(
    ...[...lost, ...unwanted].map((problem) => named(`${noted.plan.kind}, ${noted.plan.mind}: ${problem}`)),
  );
  return { noted, facts, problems, lost: unheard + Math.min(1, lost.length) };
}

/** By what the store knows: effects that were taken over, then what took longest. Histories tell the rest. */
function inOrderOfTrouble(judged: readonly Judged[]): readonly string[] {
  const fences = ({ facts }: Judged) => Math.max(1, ...(facts?.effects ?? []).map(({ fence }) => fence));
  const tookMs = ({ noted }: Judged) => (noted.endedAtMs ?? 0) - noted.askedAtMs;
  return [...judged]
    .sort((a, b) => fences(b) - fences(a) || tookMs(b) - tookMs(a))
    .map(({ noted }) => noted.plan.workflowId);
}

function leakingLogs({ workers }: Fleet): readonly string[] {
  return workers.filter((worker) => worker.leaked()).map(({ pid }) => `the log of worker ${pid}`);
}

/** A second time only where nobody can fence, no key is honoured, and the ledger has found out. */
function mostActs(facts: Facts, key: string): number {
  const tool = facts.effects.find((effect) => effect.key === key)?.tool;
  const told = facts.incidents.length > 0;
  return told && (tool === 'pay_never' || tool === 'pay_checkable') ? 2 : 1;
}

/** V5 from the other side: what the server says of the workflow fits what the store says of the run. */
async function standing(fleet: Fleet, workflowId: string, state: string): Promise<string | null> {
  const untilMs = Date.now() + CLOSING_MS;
  for (;;) {
    const { status } = await fleet.client.workflow.getHandle(workflowId).describe();
    if (state === 'ended' ? status.name === 'COMPLETED' : status.name === 'RUNNING') return null;
    if (state !== 'ended' || status.name !== 'RUNNING' || Date.now() > untilMs)
      return `V5: the store says ${state}, the server says ${status.name}`;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function bounded(problems: readonly string[]): readonly string[] {
  return problems.length <= PROBLEMS
    ? problems
    : [...problems.slice(0, PROBLEMS), `and ${problems.length - PROBLEMS} more`];
}
