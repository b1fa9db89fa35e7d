import type { Hash, RunId } from '../core/ids.ts';
import type { ContentBlock } from '../core/messages.ts';
import type { Append, TextRef } from '../core/state.ts';
import { loadBlobs } from '../store/chain.ts';
import type { Sql } from '../store/connection.ts';

/** What an append says, as blocks of a user message: results first, in call order, then what people and the system say. */
export async function appendedBlocks(sql: Sql, run: RunId, append: Append): Promise<readonly ContentBlock[]> {
  const blobs = await loadBlobs(sql, run, refsOf(append));
  const read = (ref: TextRef) => (ref.kind === 'inline' ? ref.text : (blobs.get(ref.ref) ?? ''));
  return [
    ...append.results.map((result) => ({
      type: 'tool_result' as const,
      tool_use_id: result.callId,
      content: read(result.content),
      is_error: result.isError,
    })),
    ...append.texts.map((text) => ({ type: 'text' as const, text: read(text) })),
  ];
}

function refsOf(append: Append): readonly Hash[] {
  return [...append.results.map((result) => result.content), ...append.texts].flatMap((text) =>
    text.kind === 'blob' ? [text.ref] : [],
  );
}
