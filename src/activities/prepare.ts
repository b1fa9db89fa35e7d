import { Context } from '@temporalio/activity';
import type { PreparedCall } from '../core/calls.ts';
import type { CallKey, Hash } from '../core/ids.ts';
import { callKey } from '../core/ids.ts';
import { canonicalJson, isObject, type Json, type JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { ANY_CLASS } from '../core/matching.ts';
import type { ToolUseBlock } from '../core/messages.ts';
import { FIRST_USE } from '../core/policy.ts';
import type { Origin } from '../core/provenance.ts';
import type { Release, ToolLabels } from '../core/release.ts';
import type { Requester } from '../core/requester.ts';
import { oneLine, utf8Bytes, visible, wellFormed } from '../core/text.ts';
import type { Trace } from '../guards/trace.ts';
import { callFacts } from '../store/callFacts.ts';
import { storeBlobs } from '../store/chain.ts';
import { hashText } from '../store/hash.ts';
import { recallBlobs } from '../store/recall.ts';
import type { Tool } from '../tools/tool.ts';
import { declaredFact } from './declaredFact.ts';
import { keptOrigins, originsOf } from './origins.ts';
import { type Privacy, privacyOf } from './privacy.ts';
import { implementationOf, isNotHere } from './releases.ts';
import type { ActivityServices } from './services.ts';
import type { PrepareCallInput, RunRef } from './types.ts';

export interface Prepared {
  readonly call: PreparedCall;
  /** Canonical arguments, to be stored under `call.argsHash`. */
  readonly args: string;
}

/** What the store is asked about a call; null where it is asked nothing: reads, and calls that cannot run. */
interface Draft extends Prepared {
  readonly ask: { readonly classesKnown: boolean; readonly mayBeLearned: boolean } | null;
}

/** What every call of a step is prepared with. */
interface Desk {
  readonly services: ActivityServices;
  readonly release: Release;
  readonly privacy: Privacy;
}

/** The run a call belongs to, and the release it pins. */
interface At extends RunRef {
  readonly release: Hash;
}

/** Where the sensitive arguments of a call came from. */
type Origins = (labels: ToolLabels, input: JsonObject) => readonly Origin[];

/**
 * Prepares the calls of an answer: parse, validate, canonical arguments and their hash, and the facts that policy
 * and approvers need. A call that cannot run carries its problem; nothing here throws on account of the model.
 */
export async function prepareCalls(
  services: ActivityServices,
  release: Release,
  at: At & { readonly step: number },
  blocks: readonly ToolUseBlock[],
  unparsable: readonly string[],
  { trace, privacy }: { readonly trace: Trace; readonly privacy: Privacy },
): Promise<readonly Prepared[]> {
  const desk = { services, release, privacy };
  const drafts = await Promise.all(
    blocks.map((block, ordinal) => {
      const key = callKey(at.run, at.step, ordinal);
      const problem =
        ordinal >= LIMITS.callsPerStep
          ? `At most ${LIMITS.callsPerStep} calls fit into one step.`
          : unparsable.includes(block.id)
            ? 'The arguments were not valid JSON.'
            : isGone(services, release, block.name)
              ? GONE
              : null;
      const call = { key, callId: block.id, tool: block.name };
      const origins: Origins = ({ sensitive }, input) => originsOf(sensitive, input, block.input, trace);
      return draftOf(desk, at, call, block.input, problem, origins);
    }),
  );
  return withStoredFacts(services, at, drafts);
}

const GONE =
  'The version of this tool that the conversation was started with is not available. Hand over to a person.';

async function draftOf(
  { services, release, privacy }: Desk,
  at: At,
  call: { readonly key: CallKey; readonly callId: string; readonly tool: string },
  input: Json,
  knownProblem: string | null,
  origins: Origins,
): Promise<Draft> {
  const found = knownProblem === null ? toolFor(services, release, call.tool) : null;
  const raw = rawText(input);
  const parsed = found?.tool.parse(input);
  const problem =
    knownProblem ??
    (utf8Bytes(raw) > LIMITS.argumentsBytes
      ? `The arguments have more than ${LIMITS.argumentsBytes} bytes.`
      : found === null
        ? `There is no tool "${oneLine(call.tool, 64)}". The tools are: ${release.tools.map((tool) => tool.labels.name).join(', ')}.`
        : parsed?.kind === 'bad'
          ? `The arguments do not fit: ${parsed.problem.slice(0, 1_000)}.`
          : null);
  if (problem !== null || found === null || parsed?.kind !== 'ok') {
    const args = clipRaw(raw);
    // A name that is no tool's is the model's own text.
    const tool = found === null ? oneLine(privacy.secrets(call.tool), LIMITS.idChars) : call.tool;
    const facts = { ...call, ...NO_FACTS, tool, argsHash: hashText(args), summary: `call ${tool}` };
    return { args, call: { ...facts, problem: privacy.secrets(problem ?? '') }, ask: null };
  }
  const args = canonicalJson(parsed.input);
  const { declared, ...facts } = await factsOf(
    found.tool,
    parsed.input,
    found.services(at.requester),
    privacy,
  );
  const effect = found.pinned.replay !== 'pure';
  const classes = effect
    ? [...new Set([`${FIRST_USE}:${call.tool}@${at.release}`, ...(declared ?? [])])]
    : [];
  return {
    args,
    call: {
      ...NO_FACTS,
      ...call,
      ...facts,
      classes,
      origins: origins(found.pinned, parsed.input),
      argsHash: hashText(args),
      problem: null,
    },
    ask: effect
      ? { classesKnown: declared !== null, mayBeLearned: found.pinned.tier !== 'destructive' }
      : null,
  };
}

/**
 * One read for all calls of a step, none where there is no effect among them. Classes that could not be known count as
 * unseen, all of them: `ANY_CLASS` makes every rule about a first time match.
 */
async function withStoredFacts(
  services: ActivityServices,
  at: At,
  drafts: readonly Draft[],
): Promise<readonly Prepared[]> {
  const asked = drafts.flatMap(({ call, ask }) =>
    ask === null ? [] : [ask.mayBeLearned ? call : { ...call, payee: null }],
  );
  const known = await callFacts(services.sql, at, asked);
  return drafts.map(({ call, args, ask }) => {
    if (ask === null) return { call, args };
    const facts = known.get(call.key);
    if (facts === undefined) throw new Error(`the store says nothing about call ${call.key}`);
    const firstOf = ask.classesKnown ? facts.firstOf : [...facts.firstOf, ANY_CLASS];
    return { args, call: { ...call, firstOf, learned: facts.learned } };
  });
}

const NO_FACTS = {
  amount: null,
  payee: null,
  classes: [],
  firstOf: [],
  learned: null,
  origins: [],
  terms: null,
} as const;

/** Arguments that are too deep to be walked have no canonical form; they are refused like any that do not fit. */
function rawText(input: Json): string {
  try {
    return canonicalJson(input ?? null);
  } catch {
    return '"arguments without a canonical form"';
  }
}

function clipRaw(raw: string): string {
  return raw.length > LIMITS.argumentsBytes ? raw.slice(0, LIMITS.argumentsBytes) : raw;
}

/** The answer is paid for by now: a call that no worker could be found for is refused, not asked for again. */
function isGone(services: ActivityServices, release: Release, name: string): boolean {
  try {
    toolFor(services, release, name);
    return false;
  } catch (error) {
    if (isNotHere(error)) return true;
    throw error;
  }
}

/** A tool whose code is not here can still be prepared by a worker that has it, so this refuses nothing for ever. */
function toolFor(services: ActivityServices, release: Release, name: string) {
  if (!release.tools.some((tool) => tool.labels.name === name)) return null;
  const { tool, agent, pinned } = implementationOf(services.agents, release, name);
  return {
    tool,
    pinned: pinned.labels,
    services: (requester: Requester) => agent.services(services.outside, requester),
  };
}

/** Facts that cannot be had are null, which no rule takes for a small amount or a seen class: a policy then asks a person. */
async function factsOf(tool: Tool<unknown>, input: JsonObject, toolServices: unknown, privacy: Privacy) {
  const [amount, payee, classes, terms] = await Promise.all([
    declaredFact(() => tool.amount(input, toolServices)),
    declaredFact(() => tool.payee(input, toolServices)),
    declaredFact(() => tool.classes(input, toolServices)),
    declaredFact(() => tool.terms(input, toolServices)),
  ]);
  const isOpen = (text: string) => privacy.secrets(text) === text;
  const known =
    amount !== null && Number.isFinite(amount.value) && isName(amount.currency, LIMITS.currencyChars);
  return {
    amount: known ? amount : null,
    // Compared byte for byte, so they are not masked: one with a secret in it is not known.
    payee: isName(payee, LIMITS.payeeChars) && isOpen(payee) ? payee : null,
    declared: Array.isArray(classes) && areClasses(classes) && classes.every(isOpen) ? classes : null,
    terms: privacy.secretsIn(terms),
    summary: oneLine(visible(privacy.personal(summaryOf(tool, input))), LIMITS.summaryChars),
  };
}

/** `name:value`, few and short: they are stored, compared byte for byte, and travel through history. */
function areClasses(classes: readonly unknown[]): classes is readonly string[] {
  return (
    classes.length <= LIMITS.classesPerCall &&
    classes.every((one) => isName(one, LIMITS.classChars) && /^[^:]+:./s.test(one))
  );
}

function isName(value: unknown, chars: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= chars && wellFormed(value) === value;
}

function summaryOf(tool: Tool<unknown>, input: JsonObject): string {
  try {
    return tool.summary(input);
  } catch {
    return tool.labels.name.replaceAll('_', ' ');
  }
}

/**
 * Prepares one call again: what it was prepared from may have changed, or a person edited its arguments. Where no worker
 * with the tool's version turns up, the call carries that as its problem.
 */
export async function prepareCall(
  services: ActivityServices,
  input: PrepareCallInput,
): Promise<PreparedCall> {
  const release = await services.releases.get(input.release);
  const from = input.arguments;
  const blobs = await recallBlobs(services.sql, input.run, [from.argsHash]);
  const before = JSON.parse(blobs.get(from.argsHash) ?? 'null') as Json;
  const args = from.kind === 'edited' ? from.arguments : before;
  const former = { input: isObject(before) ? (before as JsonObject) : {}, origins: input.origins };
  const origins: Origins = ({ sensitive }, now) => keptOrigins(sensitive, now, former);
  const { key, callId, tool } = input;
  const last = Context.current().info.attempt >= LIMITS.releaseAttempts;
  const problem = last && isGone(services, release, tool) ? GONE : null;
  const desk = { services, release, privacy: await privacyOf(services, input.agent, input.requester) };
  const draft = await draftOf(desk, input, { key, callId, tool }, args, problem, origins);
  const [prepared] = await withStoredFacts(services, input, [draft]);
  if (prepared === undefined) throw new Error(`call ${key} was not prepared`);
  if (from.kind === 'edited') await storeBlobs(services.sql, input.run, [prepared.args]);
  return prepared.call;
}
