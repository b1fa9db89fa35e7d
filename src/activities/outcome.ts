import type { CallOutcome } from '../core/calls.ts';
import { canonicalJson } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { clipBytes, utf8Bytes, wellFormed } from '../core/text.ts';
import { type Fence, fenced, labelled } from '../guards/fence.ts';
import { hashText } from '../store/hash.ts';
import { failed, success, type ToolResult } from '../tools/result.ts';

/** A tool's result as the model will read it. `full` is there when the text had to be shortened. */
export interface Rendered {
  readonly outcome: Extract<CallOutcome, { kind: 'ran' }>;
  readonly text: string;
  readonly full: string | null;
}

/** How a result is shown. Without a fence it is trusted, and nobody suspects it. */
export interface Showing {
  readonly fence: Fence | null;
  /** It is a look-up: what could not be read must not be taken for what is not there. */
  readonly isLookUp: boolean;
  readonly suspects: (text: string) => boolean;
}

const AS_IT_IS: Showing = { fence: null, isLookUp: false, suspects: () => false };

export function render(result: ToolResult, showing: Showing = AS_IT_IS): Rendered {
  const { fence } = showing;
  const { status, text } = textFor(result);
  const clean = wellFormed(text);
  const long = utf8Bytes(clean) > LIMITS.inlineResultBytes;
  const full = !long ? null : fence === null ? clean : labelled(clean, fence);
  const seen = long ? clipBytes(clean, LIMITS.resultExcerptBytes) : clean;
  const shown = [
    ...(full === null ? [] : [shortened(clean, full)]),
    fence === null ? seen : fenced(seen, fence),
    ...(full === null ? [] : ['…']),
    ...adviceFor(result, showing),
  ].join('\n');
  const suspicious = fence !== null && isSuspicious(clean, showing);
  const outcome = { kind: 'ran', status, ref: hashText(shown), bytes: utf8Bytes(shown) } as const;
  return { outcome: suspicious ? { ...outcome, suspicious } : outcome, text: shown, full };
}

/** Words of ours about what a result means. In a fence the tool's own would be data, which nobody obeys. */
function adviceFor(result: ToolResult, { fence, isLookUp }: Showing): readonly string[] {
  if (result.kind === 'failed' && isLookUp && result.retryable) return [COULD_NOT_LOOK];
  if (fence === null || result.kind === 'success') return [];
  if (result.kind === 'not_found') return ['The tool looked and found nothing.'];
  return [isLookUp ? `The tool failed. ${NOT_EMPTY}` : 'The tool failed.'];
}

const NOT_EMPTY = 'This does not mean that nothing is there. Do not guess.';
const COULD_NOT_LOOK =
  'This does not mean that nothing is there. Do not guess; say that you cannot check right now.';

/** One that cannot say has not said that all is well. */
function isSuspicious(text: string, { suspects }: Showing): boolean {
  try {
    return suspects(text);
  } catch {
    return true;
  }
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

function shortened(text: string, full: string): string {
  return `This result has ${text.length} characters and was shortened. Read more with read_result, reference "${hashText(full)}".`;
}
