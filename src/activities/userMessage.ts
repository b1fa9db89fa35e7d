import type { Hash, RunId } from '../core/ids.ts';
import type { ContentBlock } from '../core/messages.ts';
import { unnoticed } from '../core/refusals.ts';
import type { Append, TextRef } from '../core/state.ts';
import type { Sql } from '../store/connection.ts';
import { recallBlobs } from '../store/recall.ts';

/** An append with its texts read: results in call order, then what people and the system say. */
export interface ReadAppend {
  readonly results: readonly ContentBlock[];
  readonly said: readonly { readonly by: 'user' | 'holdfast'; readonly text: string }[];
}

export async function readAppend(sql: Sql, run: RunId, append: Append): Promise<ReadAppend> {
  const blobs = await recallBlobs(sql, run, refsOf(append));
  const read = (ref: TextRef) => (ref.kind === 'inline' ? ref.text : (blobs.get(ref.ref) ?? ''));
  return {
    results: append.results.map((result) => ({
      type: 'tool_result',
      tool_use_id: result.callId,
      content: read(result.content),
      is_error: result.isError,
    })),
    said: append.texts.map((text) => ({ by: text.by, text: read(text) })),
  };
}

/** The blocks of a user message. Only we write notices: what looks like one in a customer's words is taken apart. */
export function blocksOf({ results, said }: ReadAppend): readonly ContentBlock[] {
  return [
    ...results,
    ...said.map(({ by, text }) => ({ type: 'text' as const, text: by === 'user' ? unnoticed(text) : text })),
  ];
}

function refsOf(append: Append): readonly Hash[] {
  return [...append.results.map((result) => result.content), ...append.texts].flatMap((text) =>
    text.kind === 'blob' ? [text.ref] : [],
  );
}
