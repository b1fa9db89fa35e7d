import { ASK_PERSON } from '../core/calls.ts';
import type { RunId } from '../core/ids.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { isText, isToolUse, type Message, type ToolResultBlock } from '../core/messages.ts';
import {
  declaredField,
  type Origin,
  type Placed,
  type SensitiveField,
  valuesAt,
  worstOf,
} from '../core/provenance.ts';
import { notice } from '../core/refusals.ts';
import type { Release } from '../core/release.ts';
import { unfenced } from '../guards/fence.ts';
import { type Said, type Source, type Trace, tracer } from '../guards/trace.ts';

// Where the values of a call came from, by the conversation that the model had read when it made the call.

/** Traces values through a conversation. The work is done when the first value is asked for. */
export function traceThrough(release: Release, run: RunId, messages: readonly Message[]): Trace {
  let trace: Trace | null = null;
  return (kind, value) => {
    trace ??= tracer(sourcesOf(release, run, messages), saidIn(messages));
    return trace(kind, value);
  };
}

function sourcesOf(release: Release, run: RunId, messages: readonly Message[]): readonly Source[] {
  const calls = new Map<string, string>();
  const sources: Source[] = [{ from: 'operator', tool: null, at: -1, text: release.system }];
  messages.forEach(({ role, content }, at) => {
    for (const block of content) {
      // What the model says by itself is no source; that it said it first is what `saidIn` is for.
      if (isToolUse(block)) calls.set(block.id, block.name);
      else if (role === 'user' && block.type === 'tool_result') {
        const result = block as ToolResultBlock;
        sources.push(...resultSources(release, run, at, result, calls.get(result.tool_use_id) ?? null));
      } else if (role === 'user' && isText(block))
        sources.push({
          from: isOurs(release, at, block.text) ? 'operator' : 'user',
          tool: null,
          at,
          text: block.text,
        });
    }
  });
  return sources;
}

function saidIn(messages: readonly Message[]): readonly Said[] {
  return messages.flatMap(({ content }, at) =>
    content
      .filter(isToolUse)
      .map(({ name, input }) => ({ at, text: `${name} ${JSON.stringify(input ?? null)}` })),
  );
}

/**
 * A fence tells whose words a text holds, also on a page of a long result. Outside of fences an untrusted tool says
 * nothing: what failed has our own words there, which may quote the model (no source, see `saidIn`) or a person.
 */
function resultSources(
  release: Release,
  run: RunId,
  at: number,
  { content, is_error }: ToolResultBlock,
  tool: string | null,
): readonly Source[] {
  const fence = unfenced(content, run);
  if (fence !== null) return [{ from: 'untrusted', tool: fence.tool, at, text: fence.text }];
  if (tool === ASK_PERSON) return [{ from: 'person', tool: null, at, text: content }];
  const labels = release.tools.find((one) => one.labels.name === tool)?.labels;
  const trusted = is_error === true || labels?.returns === 'trusted';
  return [{ from: trusted ? 'trusted' : 'untrusted', tool: labels?.name ?? null, at, text: content }];
}

/** The reminder, and the application's facts, which only the first message has. A customer's text may look like them. */
function isOurs(release: Release, at: number, text: string): boolean {
  return (
    text === notice(release.reminder) ||
    (at === 0 && text.startsWith('<notice>\nFacts from the application:'))
  );
}

/** Origins of a call's sensitive arguments: of each, its worst value. `raw` is what the model said before defaults. */
export function originsOf(
  sensitive: readonly SensitiveField[],
  input: JsonObject,
  raw: Json,
  trace: Trace,
): readonly Origin[] {
  const object = isObject(raw) ? (raw as JsonObject) : {};
  return eachField(sensitive, input, ({ field, kind }) => {
    const said = new Set(valuesAt(object, field).map(({ at }) => at));
    return ({ at, value }) => (said.has(at) ? trace(kind, value) : { from: 'operator', tool: null });
  });
}

/**
 * Origins of arguments that may have been edited: a value that was there before came from where it did, and another one
 * from the person who edited. The conversation is not read again: it said the same when the call was made.
 */
export function keptOrigins(
  sensitive: readonly SensitiveField[],
  input: JsonObject,
  former: { readonly input: JsonObject; readonly origins: readonly Origin[] },
): readonly Origin[] {
  return eachField(sensitive, input, ({ field }) => {
    const before = new Set(valuesAt(former.input, field).map(({ value }) => value));
    const known = former.origins.find((one) => declaredField(one.field) === field);
    const { from = 'unknown', tool = null } = known ?? {};
    return ({ value }) => (before.has(value) ? { from, tool } : { from: 'person', tool: null });
  });
}

type OriginOf = (placed: Placed) => Pick<Origin, 'from' | 'tool'>;

function eachField(
  sensitive: readonly SensitiveField[],
  input: JsonObject,
  originsIn: (field: SensitiveField) => OriginOf,
): readonly Origin[] {
  return sensitive.flatMap((field) => {
    const originOf = originsIn(field);
    const worst = worstOf(
      valuesAt(input, field.field).map(
        (placed): Origin => ({ field: placed.at, kind: field.kind, ...originOf(placed) }),
      ),
    );
    return worst === null ? [] : [worst];
  });
}
