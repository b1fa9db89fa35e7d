import type { PreparedCall } from '../core/calls.ts';
import type { CallKey, RunId } from '../core/ids.ts';
import { callKey } from '../core/ids.ts';
import { canonicalJson, type Json, type JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { ToolUseBlock } from '../core/messages.ts';
import type { Release } from '../core/release.ts';
import type { Requester } from '../core/requester.ts';
import { oneLine, utf8Bytes } from '../core/text.ts';
import { loadBlobs, storeBlobs } from '../store/chain.ts';
import { hashText } from '../store/hash.ts';
import type { Tool } from '../tools/tool.ts';
import { implementationOf, isNotHere } from './releases.ts';
import type { ActivityServices } from './services.ts';
import type { PrepareCallInput } from './types.ts';

export interface Prepared {
  readonly call: PreparedCall;
  /** Canonical arguments, to be stored under `call.argsHash`. */
  readonly args: string;
}

/**
 * Prepares the calls of an answer: parse, validate, canonical arguments and their hash, and the facts that policy
 * and approvers need. A call that cannot run carries its problem; nothing here throws on account of the model.
 */
export async function prepareCalls(
  services: ActivityServices,
  release: Release,
  at: { readonly run: RunId; readonly step: number; readonly requester: Requester },
  blocks: readonly ToolUseBlock[],
  unparsable: readonly string[],
): Promise<readonly Prepared[]> {
  return Promise.all(
    blocks.map((block, ordinal) => {
      const key = callKey(at.run, at.step, ordinal);
      const problem =
        ordinal >= LIMITS.callsPerStep
          ? `At most ${LIMITS.callsPerStep} calls fit into one step.`
          : unparsable.includes(block.id)
            ? 'The arguments were not valid JSON.'
            : isGone(services, release, block.name)
              ? 'The version of this tool that the conversation was started with is not available. Hand over to a person.'
              : null;
      return prepareOne(
        services,
        release,
        at.requester,
        { key, callId: block.id, tool: block.name },
        block.input,
        problem,
      );
    }),
  );
}

async function prepareOne(
  services: ActivityServices,
  release: Release,
  requester: Requester,
  call: { readonly key: CallKey; readonly callId: string; readonly tool: string },
  input: Json,
  knownProblem: string | null,
): Promise<Prepared> {
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
    return {
      args,
      call: {
        ...call,
        ...NO_FACTS,
        argsHash: hashText(args),
        summary: `call ${oneLine(call.tool, 64)}`,
        problem,
      },
    };
  }
  const args = canonicalJson(parsed.input);
  const facts = await factsOf(found.tool, parsed.input, found.services(requester));
  return { args, call: { ...call, ...facts, argsHash: hashText(args), problem: null } };
}

const NO_FACTS = { amount: null, payee: null, classes: [], terms: null } as const;

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
  const { tool, agent } = implementationOf(services.agents, release, name);
  return { tool, services: (requester: Requester) => agent.services(services.outside, requester) };
}

/** Facts that cannot be had are null, which no rule takes for a small amount: a policy then asks a person. */
async function factsOf(tool: Tool<unknown>, input: JsonObject, toolServices: unknown) {
  const orNull = <Value>(fact: Promise<Value>) => fact.catch(() => null);
  const [amount, payee, classes, terms] = await Promise.all([
    orNull(tool.amount(input, toolServices)),
    orNull(tool.payee(input, toolServices)),
    orNull(tool.classes(input, toolServices)),
    orNull(tool.terms(input, toolServices)),
  ]);
  const known = amount !== null && Number.isFinite(amount.value) ? amount : null;
  return {
    amount: known,
    payee,
    classes: classes ?? [],
    terms,
    summary: oneLine(summaryOf(tool, input), LIMITS.summaryChars),
  };
}

function summaryOf(tool: Tool<unknown>, input: JsonObject): string {
  try {
    return tool.summary(input);
  } catch {
    return tool.labels.name.replaceAll('_', ' ');
  }
}

/** Prepares one call again: what it was prepared from may have changed, or a person edited its arguments. */
export async function prepareCall(
  services: ActivityServices,
  input: PrepareCallInput,
): Promise<PreparedCall> {
  const release = await services.releases.get(input.release);
  const from = input.arguments;
  const args =
    from.kind === 'edited'
      ? from.arguments
      : (JSON.parse(
          (await loadBlobs(services.sql, input.run, [from.argsHash])).get(from.argsHash) ?? 'null',
        ) as Json);
  const { key, callId, tool } = input;
  const prepared = await prepareOne(services, release, input.requester, { key, callId, tool }, args, null);
  if (from.kind === 'edited') await storeBlobs(services.sql, input.run, [prepared.args]);
  return prepared.call;
}
