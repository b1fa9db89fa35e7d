import { isBreaker } from '../core/breakers.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { formatMicroUsd } from '../core/money.ts';
import { oneLine } from '../core/text.ts';
import { type AuditRow, parseFacts, readAudit } from './audit.ts';
import type { Sql } from './connection.ts';
import type { resolveEffectRow } from './ledger.ts';

/** A chain with what its rows only name: what was asked, and which tool a call is of. */
export interface Story {
  readonly run: string;
  readonly rows: readonly AuditRow[];
  /** By approval id. */
  readonly summaries: Readonly<Record<string, string>>;
  /** By call key. */
  readonly tools: Readonly<Record<string, string>>;
}

export async function readStory(sql: Sql, run: string): Promise<Story> {
  const rows = await readAudit(sql, run);
  const approvals = await sql<{ id: string; summary: string }[]>`
    select id, summary from approvals where run = ${run}`;
  const effects = await sql<
    { key: string; tool: string }[]
  >`select key, tool from effects where run = ${run}`;
  return {
    run,
    rows,
    summaries: Object.fromEntries(approvals.map(({ id, summary }) => [id, summary])),
    tools: Object.fromEntries(effects.map(({ key, tool }) => [key, tool])),
  };
}

/** One row in words. `grave`: somebody should look at it. */
export interface Sentence {
  readonly words: string;
  readonly grave: boolean;
}

/** A row of the story as a sentence. What is not in the list is shown as it is: an audit hides nothing. */
export function tell(story: Story, row: AuditRow): Sentence {
  const scene = sceneOf(story, row);
  const sentence = own(SENTENCES, row.event);
  const words = sentence?.(scene) ?? `${row.event} ${row.key} ${row.facts}`;
  return { words: oneLine(words, SENTENCE_CHARS), grave: sentence === undefined || GRAVE.test(row.event) };
}

const SENTENCE_CHARS = 400;
const QUOTE_CHARS = 160;
const HASH_CHARS = 8;
const GRAVE = /^incident_|^effect_(unknown|mismatch|not_approved|word_refused)$|^decision_refused$/;

/** What a sentence is made of. */
interface Scene {
  readonly facts: JsonObject;
  readonly key: string;
  /** `anna (cli, signed)`, or `somebody` where the row does not say. */
  readonly who: string;
  /** What was asked, and the short id of the request. */
  readonly asked: string;
  /** The tool and the short key of the call. */
  readonly call: string;
  /** `, because …`, or nothing. */
  readonly because: string;
  text(name: string): string;
  hash(name: string): string;
}

function sceneOf(story: Story, row: AuditRow): Scene {
  const facts = parseFacts(row.facts);
  const text = (name: string) => wordsOf(facts[name]);
  const approval = text('approval');
  const summary = own(story.summaries, approval);
  const tool = own(story.tools, row.key) ?? text('tool');
  const short = (id: string) => (id.startsWith(`${story.run}/`) ? id.slice(story.run.length + 1) : id);
  const reason = text('reason') || text('why');
  return {
    facts,
    key: row.key,
    who: speakerOf(text),
    asked: summary === undefined ? `request ${short(approval)}` : `“${summary}” (request ${short(approval)})`,
    call: `${tool === '' ? 'a call' : tool} (${short(row.key)})`,
    because: reason === '' ? '' : `, because: ${oneLine(reason, QUOTE_CHARS)}`,
    text,
    hash: (name) => text(name).slice(0, HASH_CHARS),
  };
}

function speakerOf(text: (name: string) => string): string {
  const by = text('by');
  if (by === '' || by === 'holdfast') return by === '' ? 'somebody' : 'Holdfast';
  const how = [text('channel'), text('identity')].filter((word) => word !== '');
  return how.length === 0 ? by : `${by} (${how.join(', ')})`;
}

/** Names in an audit are whatever somebody wrote, `constructor` among them. */
function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function wordsOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const ASKS: Readonly<Record<string, string>> = {
  call: 'people are asked for a yes to',
  question: 'a person is asked',
  reconcile: 'people are asked what became of',
  landing: 'people are asked whether it may go on',
  pause: 'people are asked whether the pause is over',
};

function moneyText(microUsd: unknown): string {
  return typeof microUsd === 'number' ? formatMicroUsd(microUsd) : '?';
}

/** Every event word there is, with its sentence. */
export const SENTENCES: Readonly<Record<string, (scene: Scene) => string>> = {
  approval_opened: ({ asked, facts, text }) =>
    `${own(ASKS, text('kind')) ?? 'people are asked about'}: ${asked}${until(facts.deadlineMs)}`,
  approval_approved: ({ who, asked, because, facts }) =>
    `${who} said yes to ${asked}${votes(facts)}${because}`,
  approval_rejected: ({ who, asked, because, facts }) =>
    `${who} said no to ${asked}${votes(facts)}${because}`,
  approval_answered: ({ who, asked, because, text }) =>
    text('kind') === 'edit'
      ? `${who} changed the arguments of ${asked}${because}`
      : `${who} answered ${asked}${because}`,
  approval_expired: ({ asked }) => `nobody decided in time on ${asked}`,
  approval_withdrawn: ({ asked }) => `the request was withdrawn: ${asked}`,
  approval_void: ({ asked, because }) => `the yes to ${asked} does not count any more${because}`,
  approval_reminded: ({ asked }) => `those who may decide were reminded of ${asked}`,
  approval_escalated: ({ asked, facts }) => `${named(facts.to)} may decide now too: ${asked}`,
  vote: ({ who, asked }) => `${who} voted yes on ${asked}; more votes are needed`,
  decision_refused: ({ who, text, asked }) =>
    `${text('signal') || text('kind') || 'a decision'} of ${who}${text('approval') === '' ? '' : ` on ${asked}`} did not count: ${text('why')}`,

  effect_claimed: ({ call, text, hash }) =>
    `${call} begins, attempt ${text('fence')}, arguments ${hash('argsHash')}${allowed(text)}`,
  effect_applied: ({ call, facts }) =>
    `${call} was done${facts.check === undefined ? '' : ', as a check found'}`,
  effect_refused: ({ call }) => `${call} was refused and not done`,
  effect_unknown: ({ call, because }) => `nobody knows whether ${call} happened${because}`,
  effect_released: ({ call, text }) => `attempt ${text('fence')} of ${call} ended without acting`,
  effect_lost: ({ call, text }) =>
    `attempt ${text('fence')} of ${call} ended and cannot say whether it acted`,
  effect_void: ({ call }) => `${call} was not done, and nothing may do it any more`,
  effect_late: ({ call, text }) =>
    `attempt ${text('fence')} of ${call} said “${text('said')}” after its time; what stands is “${text('stands')}”`,
  effect_mismatch: ({ call, hash }) =>
    `${call} came with other arguments (${hash('came')}) than on record (${hash('stored')}) and did not run`,
  effect_held: ({ call, text, because }) => `${call} is held by the ${holder(text('switch'))}${because}`,
  effect_not_approved: ({ call, text }) =>
    `${call} did not run: its approval is ${text('state') || 'not there'}`,
  effect_stale: ({ call, because }) => `${call} did not run: it has to be asked for again${because}`,
  effect_resolved: ({ who, call, text }) => `${who} ${saidOf(text('said'), call)}`,
  effect_word_refused: ({ who, call, text, because }) =>
    `${who} ${saidOf(text('said'), call)}, which did not count${because}`,
  incident_second_applied: ({ call }) => `INCIDENT: ${call} was done a second time`,
  incident_applied_after_refused: ({ call }) =>
    `INCIDENT: ${call} was done after it had been reported as refused`,
  incident_applied_after_void: ({ call }) =>
    `INCIDENT: ${call} was done after it had been reported as not done`,

  steer_pause: ({ who, because }) => `${who} paused the run${because}`,
  steer_resume: ({ who, because }) => `${who} let the run go on${because}`,
  steer_retry: ({ who, because }) => `${who} had the run try again${because}`,
  steer_cancel: ({ who, because }) => `${who} cancelled the run${because}`,
  steer_close: ({ who, because }) => `${who} closed the run${because}`,
  steer_handOver: ({ who, because }) => `${who} took the conversation from the agent${because}`,
  steer_raiseLimit: ({ who, text, because }) =>
    `${who} raised the limits${amount(' by tokens ', text('tokens'))}${amount(' by micro-dollars ', text('costMicroUsd'))}${because}`,
  steer_upgrade: ({ who, because }) => `${who} moved the run to the newest worker code${because}`,
  handover_accepted: ({ who }) => `${who} accepted the conversation`,
  handover_reminded: ({ text }) =>
    `the queue ${text('queue')} was reminded of the conversation (${text('times')})`,
  handover_escalated: ({ text }) =>
    `nobody of ${text('from')} accepted the conversation: it went to ${text('to')}`,
  run_ended: ({ facts, text, because }) =>
    `the run ended: ${text('outcome')}${because}${typeof facts.costMicroUsd === 'number' ? `, cost ${formatMicroUsd(facts.costMicroUsd)}` : ''}`,

  guard_flag: ({ text }) => `the guard ${text('guard')} found a text suspicious: ${text('why')}`,
  guard_redact: ({ text }) => `the guard ${text('guard')} hid a part of a text: ${text('why')}`,
  guard_repair: ({ text }) => `the guard ${text('guard')} sent an answer back: ${text('why')}`,
  guard_block: ({ text }) => `the guard ${text('guard')} kept a text back: ${text('why')}`,

  channel_moved: ({ who, key, hash }) =>
    `${who} moved the channel ${key} from ${hash('from') || 'nothing'} to ${hash('to')}`,
  rule_learned: ({ who, text }) =>
    `${who} taught rule ${text('rule')}: ${text('tool')}${amount(' for ', text('payee'))}${amount(' up to ', text('upTo'))} needs no yes for ${text('days')} days`,
  rule_not_learned: ({ asked, because }) => `nothing was learned from ${asked}${because}`,
  rule_revoked: ({ who, key, because }) => `${who} revoked the learned rule ${key}${because}`,
  switch_set: ({ who, key, because }) => `${who} stopped ${key}${because}`,
  switch_lifted: ({ who, key, because }) => `${who} lifted the stop of ${key}${because}`,
  run_held: ({ text, because }) =>
    `the run may not begin yet: it is held by the ${holder(text('switch'))}${because}`,
  budget_set: ({ who, key, facts, because }) =>
    `${who} capped ${key} at ${moneyText(facts.capMicroUsd)}${because}`,
  budget_cleared: ({ who, key, because }) => `${who} took the cap off ${key}${because}`,
  budget_granted: ({ who, text, facts }) =>
    `${who} let this run exceed the cap of ${text('scope')} by ${moneyText(facts.microUsd)}`,
  rate_set: ({ who, key, because }) => `${who} limited how often ${key} may come${because}`,
  rate_cleared: ({ who, key, because }) => `${who} took the limit off ${key}${because}`,
  breaker_opened: ({ key, because, facts }) => `the breaker ${key} opened${until(facts.untilMs)}${because}`,
  breaker_half_open: ({ key }) => `the breaker ${key} lets a few through again`,
  breaker_closed: ({ key }) => `the breaker ${key} closed`,
  breaker_forced: ({ who, key, text, facts, because }) =>
    `${who} forced the breaker ${key} ${text('forced')}${until(facts.untilMs)}${because}`,
  breaker_released: ({ who, key, text }) =>
    `${who} took back the word on the breaker ${key}: it is ${text('state') === 'half_open' ? 'half open' : text('state')}`,
  person_set: ({ who, key, text }) => `${who} changed the person ${key} to ${text('after')}`,
  person_removed: ({ who, key }) => `${who} removed the person ${key}`,
};

/** What a person said became of an effect. */
type EffectWord = Parameters<typeof resolveEffectRow>[2]['state'];

function isEffectWord(word: string): word is EffectWord {
  return Object.hasOwn(EFFECT_WORDS, word);
}

/** No word without its sentence: none may be told as another one. */
const EFFECT_WORDS: Readonly<Record<EffectWord, (call: string) => string>> = {
  applied: (call) => `said that ${call} happened`,
  void: (call) => `said that ${call} did not happen`,
  given_up: (call) => `gave up finding out about ${call}`,
};

function saidOf(word: string, call: string): string {
  return isEffectWord(word) ? EFFECT_WORDS[word](call) : `said “${word}” of ${call}`;
}

function holder(name: string): string {
  return isBreaker(name) ? name.replace(':', ' ') : `switch ${name}`;
}

function until(deadlineMs: unknown): string {
  if (typeof deadlineMs !== 'number' || Math.abs(deadlineMs) > MAX_TIME_MS) return '';
  return `, until ${new Date(deadlineMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const MAX_TIME_MS = 8.64e15;

function allowed(text: (name: string) => string): string {
  if (text('approval') !== '') return ', with a person’s yes';
  return text('learned') === '' ? '' : `, by learned rule ${text('learned')}`;
}

function amount(label: string, value: string): string {
  return value === '' ? '' : label + value;
}

/** The votes of a quorum, one by one; one vote is said by who decided. */
function votes({ votes: listed }: JsonObject): string {
  if (!Array.isArray(listed) || listed.length < 2) return '';
  const each = listed.map((vote) => speakerOf((name) => (isObject(vote) ? wordsOf(vote[name]) : '')));
  return ` (votes: ${each.join('; ')})`;
}

/** People and roles that a request went to. */
function named(to: unknown): string {
  if (!isObject(to)) return 'others';
  const list = (value: unknown) => (Array.isArray(value) ? value.map(wordsOf) : []);
  const all = [...list(to.people), ...list(to.roles).map((role) => `role ${role}`)];
  return all.length === 0 ? 'everybody' : all.join(', ');
}
