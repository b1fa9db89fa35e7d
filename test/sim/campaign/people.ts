import type { ApprovalRecord } from '../../../src/core/approvals.ts';
import { canonicalJson, type JsonObject } from '../../../src/core/json.ts';
import type { Simulation, UpdateHandle } from '../driver.ts';
import type { Facts, Heard, Said, SentMessage } from './facts.ts';
import {
  type AskGate,
  DIRECTORY,
  MICRO_USD_PER_TOKEN,
  MINUTE_MS,
  REQUESTER,
  type Saying,
} from './program.ts';
import { phaseOf } from './states.ts';

// What people say, put into words at the time when they say it, and written down as a fact.

/** Who may answer a request, by the program's own words: the rule that the judge holds the workflow to. */
export function mayDecide(facts: Facts, record: ApprovalRecord, who: string, atMs: number): boolean {
  const { keyed } = facts.program.agent;
  const roles = DIRECTORY[who];
  if (keyed && roles === undefined) return false;
  const gate = gateOf(facts, record);
  if (gate === null) return who !== REQUESTER;
  if (gate.of === 'requester') return who === REQUESTER;
  if (who === REQUESTER) return gate.requesterToo;
  if (gate.people.length + gate.roles.length === 0) return true;
  if (gate.people.includes(who)) return true;
  if (keyed && (roles ?? []).some((role) => gate.roles.includes(role))) return true;
  return gate.escalation.some(
    ({ minutes, person }) => person === who && record.openedAtMs + minutes * MINUTE_MS <= atMs,
  );
}

/** The rule that asks for a call; null for every other kind of request. */
export function gateOf(facts: Facts, { kind, tool }: ApprovalRecord): AskGate | null {
  const gate = kind === 'call' && tool !== null ? facts.toolOf(tool)?.gate : undefined;
  return gate?.kind === 'ask' ? gate : null;
}

export function say(facts: Facts, simulation: Simulation, saying: Saying, during = false): void {
  if (simulation.result.kind !== 'running') return;
  const send = (name: string, body: unknown): UpdateHandle | null => {
    if (saying.via === 'update' && !during && name in UPDATES)
      return simulation.update(UPDATES[name as keyof typeof UPDATES], [body]);
    if (during) simulation.signalDuringNextTask(name, body);
    else simulation.signal(name, body);
    return null;
  };
  if (saying.form === 'malformed') {
    send(saying.name, { by: 5, kind: 'nothing' });
    return;
  }
  const said = speak(facts, simulation, saying, send);
  if (said === null) return;
  if (during) facts.underway.push(said);
  else arrive(facts, said, simulation.nowMs);
}

/** The server has it now. Words that it has had before do not come again for a worker that asks when they came. */
export function arrive(facts: Facts, said: Said, atMs: number): void {
  said.atMs = atMs;
  if (said.same !== undefined && !facts.arrivedAtMs.has(said.same)) facts.arrivedAtMs.set(said.same, atMs);
}

/** What was said, as a fact; null where nothing new was. */
function speak(facts: Facts, simulation: Simulation, saying: Saying, send: Send): { atMs: number } | null {
  switch (saying.name) {
    case 'message':
      return sayMessage(facts, simulation, saying, send);
    case 'decide':
      return sayDecision(facts, simulation, saying, send);
    case 'lookAgain':
      simulation.signal('lookAgain');
      return null;
    default:
      return steer(facts, simulation, saying, send);
  }
}

const UPDATES = { message: 'send', decide: 'decideNow' } as const;

type Send = (name: string, body: unknown) => UpdateHandle | null;

function sayMessage(facts: Facts, { nowMs }: Simulation, { form }: Saying, send: Send): SentMessage | null {
  const before = facts.messages.at(-1);
  const n = facts.messages.length + 1;
  const same = form === 'again' ? before : undefined;
  const { id, text } = same ?? { id: `m${n}`, text: textOf(n, form === 'long') };
  if (facts.openRequests.some(({ kind }) => kind === 'call'))
    facts.reach('a message while a request is open');
  const handle = send('message', { text, by: REQUESTER, id });
  if (same !== undefined) {
    facts.reach('a message sent twice');
    return null;
  }
  const message = { id, text, atMs: nowMs, handle };
  facts.messages.push(message);
  return message;
}

function textOf(n: number, isLong: boolean): string {
  return `message ${n}.${isLong ? ' It is a long story.'.repeat(250) : ''}`;
}

function sayDecision(facts: Facts, simulation: Simulation, saying: Saying, send: Send): Heard {
  const atMs = simulation.nowMs;
  const before = saying.form === 'again' ? facts.heard.at(-1) : undefined;
  const record =
    before === undefined ? findRequest(facts, saying) : (facts.asked.get(before.approval) ?? null);
  const who = before?.who ?? (saying.who === 'fit' ? fitFor(facts, record, atMs) : saying.who);
  const argsHash =
    saying.hash === 'right' ? record?.argsHash : saying.hash === 'wrong' ? 'f'.repeat(64) : null;
  const body: JsonObject = {
    by: who,
    channel: 'test',
    approval: record?.id ?? `${facts.run}/99/9/9`,
    ...wordsFor(facts, record, saying),
    ...(argsHash != null && { argsHash }),
    ...signature(facts, saying),
  };
  const same = canonicalJson(body);
  if (record !== null && isTold(simulation, record.id))
    facts.reach('a decision before its notice has succeeded');
  const handle = send('decide', body);
  const { approval } = body;
  const heard = {
    saying,
    who,
    approval: String(approval),
    kind: String(body.kind),
    argsHash: argsHash ?? null,
    same,
    atMs,
    handle,
  };
  facts.heard.push(heard);
  return heard;
}

function isTold(simulation: Simulation, id: string): boolean {
  return simulation.pendingActivities.some(
    ({ activityType, input }) =>
      (activityType === 'openApprovals' || activityType === 'remind') &&
      JSON.stringify(input).includes(`"${id}"`),
  );
}

function findRequest(facts: Facts, { about, pick }: Saying): ApprovalRecord | null {
  if (about === 'nothing') return null;
  const among = about === 'open' ? facts.openRequests : [...facts.asked.values()];
  return among[pick % among.length] ?? null;
}

function fitFor(facts: Facts, record: ApprovalRecord | null, atMs: number): string {
  const spoke = new Set(facts.heard.filter(({ approval }) => approval === record?.id).map(({ who }) => who));
  const fit = Object.keys(DIRECTORY).find(
    (who) => record !== null && !spoke.has(who) && mayDecide(facts, record, who, atMs),
  );
  return fit ?? 'ann';
}

/** People are honest: who is asked what became of an effect looks, or says that nobody can tell. */
function wordsFor(facts: Facts, record: ApprovalRecord | null, { kind, pick }: Saying): JsonObject {
  if (record?.kind === 'reconcile') {
    const found = facts.appliedTimes(record.key) > 0 ? 'happened' : 'did_not';
    return { kind: 'answer', answer: { outcome: kind === 'give_up' ? 'give_up' : found } };
  }
  if (record?.kind === 'question' && kind !== 'reject') return { kind: 'answer', answer: `answer ${pick}` };
  if (kind === 'edit') return { kind, arguments: { word: `edited${pick}` } };
  return kind === 'answer' || kind === 'give_up' ? { kind: 'answer', answer: 'yes' } : { kind };
}

function steer(facts: Facts, simulation: Simulation, saying: Saying, send: Send): { atMs: number } {
  const { name, who, amount } = saying;
  const isAt = (at: Parameters<typeof isUnderWay>[2]) => isUnderWay(facts, simulation, at);
  if (name === 'pause' && isAt('model')) facts.reach('a pause during a model call');
  if (name === 'cancel' && isAt('effect')) facts.reach('cancel during an effect');
  if (name === 'handOver' && facts.openRequests.length > 0)
    facts.reach('people took over while a request was open');
  if (name === 'cancel' && isAt('unknown')) facts.reach('cancelled while nobody knows');
  const raise = name === 'raiseLimit' ? { tokens: amount, costMicroUsd: amount * MICRO_USD_PER_TOKEN } : {};
  send(name, { by: who, channel: 'test', ...raise, ...signature(facts, saying) });
  const steered = { name, atMs: simulation.nowMs };
  facts.steered.push(steered);
  return steered;
}

/** Whether a run is in the middle of something, as far as the world around it knows. */
export function isUnderWay(
  facts: Facts,
  simulation: Simulation,
  at: 'effect' | 'unknown' | 'model' | 'held',
): boolean {
  switch (at) {
    case 'model':
      return simulation.pendingActivities.some(({ activityType }) => activityType === 'callModel');
    case 'effect':
      return simulation.pendingActivities.some(
        ({ activityType, input }) =>
          activityType === 'runTool' &&
          facts.toolOf((input as { readonly tool: string }).tool)?.replay !== 'pure',
      );
    case 'unknown':
      return facts.openRequests.some(({ kind }) => kind === 'reconcile');
    case 'held':
      return phaseOf(simulation) === 'held';
    default:
      return at satisfies never;
  }
}

function signature(facts: Facts, { signed }: Saying): JsonObject {
  return facts.program.agent.keyed && signed ? { signature: 'x' } : {};
}
