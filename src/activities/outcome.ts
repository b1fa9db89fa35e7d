import type { CallOutcome } from '../core/calls.ts';
import { canonicalJson } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { clipBytes, utf8Bytes, wellFormed } from '../core/text.ts';
import { hashText } from '../store/hash.ts';
import { failed, success, type ToolResult } from '../tools/result.ts';

/** A tool's result as the model will read it. `full` is there when the text had to be shortened. */
export interface Rendered {
  readonly outcome: Extract<CallOutcome, { kind: 'ran' }>;
  readonly text: string;
  readonly full: string | null;
}

export function render(result: ToolResult): Rendered {
  const { status, text } = textFor(result);
  const clean = wellFormed(text);
  const long = utf8Bytes(clean) > LIMITS.inlineResultBytes;
  const shown = long ? excerpt(clean) : clean;
  return {
    outcome: {
      kind: 'ran',
      status,
      ref: hashText(shown),
      bytes: utf8Bytes(shown),
      ...(result.kind === 'failed' && result.retryable && { broke: true as const }),
    },
    text: shown,
    full: long ? clean : null,
  };
}

/** What a tool hands back is not trusted to be what its type says. `no_result` says nothing about what it did. */
export type Fault = { readonly kind: 'no_result' } | { readonly kind: 'unusable'; readonly problem: string };

export function faultOf(result: ToolResult): Fault | null {
  if (typeof result !== 'object' || result === null || !KINDS.includes(result.kind))
    return { kind: 'no_result' };
  if (result.kind === 'not_found' && typeof result.message !== 'string') return { kind: 'no_result' };
  if (result.kind === 'failed' && typeof result.error !== 'string') return { kind: 'no_result' };
  if (result.kind !== 'success') return null;
  try {
    const bytes = utf8Bytes(canonicalJson(result.data));
    return bytes <= LIMITS.resultBytes
      ? null
      : { kind: 'unusable', problem: `it has ${bytes} bytes, the limit is ${LIMITS.resultBytes}` };
  } catch (error) {
    return {
      kind: 'unusable',
      problem: `it is not plain JSON: ${error instanceof Error ? error.message : error}`,
    };
  }
}

/** The result of a read, with everything that cannot be shown turned into a failure. */
export function readable(result: ToolResult): ToolResult {
  const fault = faultOf(result);
  if (fault === null) return result;
  return fault.kind === 'no_result'
    ? failed('the tool returned no result', { suggestion: 'Tell the customer that this did not work.' })
    : failed(`the result cannot be used: ${fault.problem}`, {
        suggestion: 'Ask for less: a narrower question, or one page.',
      });
}

/** The result of an effect: what was done stays done, also when its result cannot be shown. Null for no result at all. */
export function effected(result: ToolResult): ToolResult | null {
  const fault = faultOf(result);
  if (fault === null) return result;
  return fault.kind === 'no_result'
    ? null
    : success(`It was done. Its result cannot be shown: ${fault.problem}.`);
}

const KINDS: readonly string[] = ['success', 'not_found', 'failed'];

function textFor(result: ToolResult): {
  readonly status: 'success' | 'not_found' | 'failed';
  readonly text: string;
} {
  switch (result.kind) {
    case 'success':
      return {
        status: 'success',
        text: typeof result.data === 'string' ? result.data : JSON.stringify(result.data),
      };
    case 'not_found':
      return { status: 'not_found', text: result.message };
    case 'failed':
      return {
        status: 'failed',
        text: `Error: ${result.error}${result.suggestion === null ? '' : `\n${result.suggestion}`}`,
      };
    default:
      return result satisfies never;
  }
}

function excerpt(text: string): string {
  const reference = hashText(text);
  return [
    `This result has ${text.length} characters and was shortened. Read more with read_result, reference "${reference}".`,
    clipBytes(text, LIMITS.resultExcerptBytes),
    '…',
  ].join('\n');
}
