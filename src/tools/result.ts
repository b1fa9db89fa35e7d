import type { Json } from '../core/json.ts';

/**
 * What a tool's `run` answers. Not found is not an error; could-not-look is not not-found: a tool that could not
 * reach its source answers `failed` with `retryable: true`.
 */
export type ToolResult =
  | { readonly kind: 'success'; readonly data: Json }
  | { readonly kind: 'not_found'; readonly message: string }
  | {
      readonly kind: 'failed';
      readonly error: string;
      /** A later attempt may succeed with the same arguments. */
      readonly retryable: boolean;
      /** For the model: what to do instead. */
      readonly suggestion: string | null;
    };

export function success(data: Json): ToolResult {
  return { kind: 'success', data };
}

export function notFound(message: string): ToolResult {
  return { kind: 'not_found', message };
}

export function failed(
  error: string,
  options: { readonly retryable?: boolean; readonly suggestion?: string } = {},
): ToolResult {
  return {
    kind: 'failed',
    error,
    retryable: options.retryable ?? false,
    suggestion: options.suggestion ?? null,
  };
}

/** What a `checkable` tool finds when it looks whether an earlier attempt acted. */
export type CheckResult =
  | { readonly kind: 'happened'; readonly result: ToolResult }
  | { readonly kind: 'did_not' }
  | { readonly kind: 'cannot_tell'; readonly reason: string };
