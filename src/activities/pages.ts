import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { unlabelled } from '../guards/fence.ts';
import { recallFound } from '../store/recall.ts';
import { failed, notFound, success, type ToolResult } from '../tools/result.ts';
import type { Job } from './attempt.ts';

/** A page of a stored result, and the untrusted tool whose words it has; null for words that are trusted. */
export interface Page {
  readonly result: ToolResult;
  readonly author: string | null;
}

export async function readPage({ services, input, args }: Job): Promise<Page> {
  const { reference, offset } = args as { reference: string; offset: number };
  if (!/^[0-9a-f]{64}$/.test(reference))
    return { result: failed('the reference is not one that a shortened result gave'), author: null };
  // A store that is away throws: could not look is not the same as not there.
  const body = (await recallFound(services.sql, input.run, [reference as Hash])).get(reference as Hash);
  if (body === undefined)
    return { result: notFound('No result of this conversation has this reference.'), author: null };
  const kept = unlabelled(body, input.run);
  const text = kept?.text ?? body;
  const page = text.slice(Math.max(0, offset), Math.max(0, offset) + LIMITS.readResultPageChars);
  const next = offset + page.length < text.length ? offset + page.length : null;
  return { result: success({ text: page, offset, total: text.length, next }), author: kept?.tool ?? null };
}
