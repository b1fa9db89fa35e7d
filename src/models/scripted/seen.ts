import type { JsonObject } from '../../core/json.ts';
import type { SeenResult, Step } from './conversation.ts';
import { blocksOf, excerpt, text, type WireRequest } from './wire.ts';

/** Texts that a client adds by itself (reminders, notices) begin so; the script does not look at them. */
const NOTICE = '<notice>';

/** A user text that is not a notice of the client's own. */
export function isSpoken(block: JsonObject): boolean {
  return block.type === 'text' && !text(block.text).trimStart().startsWith(NOTICE);
}

/** What the user messages since the last answer fail to hold, or null. */
export function unseenProblem(script: Step, request: WireRequest, lastAnswer: number): string | null {
  const blocks = request.messages
    .slice(lastAnswer + 1)
    .flatMap((message) => (message.role === 'user' ? message.content : []));
  const wanted = script.sees?.text;
  const spoken = blocks.filter(isSpoken).map((block) => text(block.text));
  if (wanted !== undefined && !spoken.some((each) => each.includes(wanted)))
    return `expected a user text with "${excerpt(wanted)}", came ${quoteAll(spoken)}`;

  const names = toolNames(request);
  const results = blocks
    .filter((block) => block.type === 'tool_result')
    .map((block) => ({
      tool: names.get(text(block.tool_use_id)) ?? '',
      isError: block.is_error === true,
      content: resultText(block),
    }));
  let next = 0;
  for (const expected of script.sees?.results ?? []) {
    const offset = results.slice(next).findIndex((result) => meets(result, expected));
    if (offset < 0)
      return `expected ${describe(expected)}, came ${quoteAll(results.map((result) => `${result.tool}${result.isError ? ' (error)' : ''}: ${result.content}`))}`;
    next += offset + 1;
  }
  return null;
}

function meets(
  result: { readonly tool: string; readonly isError: boolean; readonly content: string },
  expected: SeenResult,
): boolean {
  return (
    result.tool === expected.tool &&
    (expected.isError === undefined || expected.isError === result.isError) &&
    (expected.contains === undefined || result.content.includes(expected.contains))
  );
}

function toolNames(request: WireRequest): ReadonlyMap<string, string> {
  const calls = request.messages.flatMap((message) => message.content);
  return new Map(
    calls.filter((block) => block.type === 'tool_use').map((block) => [text(block.id), text(block.name)]),
  );
}

function resultText(block: JsonObject): string {
  return blocksOf(block.content)
    .map((part) => text(part.text))
    .join('\n');
}

function describe(expected: SeenResult): string {
  const kind = expected.isError === undefined ? 'a result' : expected.isError ? 'an error' : 'a success';
  const holding = expected.contains === undefined ? '' : ` with "${excerpt(expected.contains)}"`;
  return `${kind} of ${expected.tool}${holding}`;
}

function quoteAll(texts: readonly string[]): string {
  if (texts.length === 0) return 'none';
  return texts
    .slice(0, 8)
    .map((each) => `"${excerpt(each)}"`)
    .join(', ');
}
