import type { Usage } from '../core/messages.ts';
import { ModelCallError } from './classify.ts';
import { costMicroUsd, type PriceOptions } from './prices.ts';

/** What is known of a call that failed, and what it is booked with. */
export interface FailedCall {
  readonly usage: Usage | null;
  readonly requestId: string | null;
  /** Null where nobody can know: then its worst case is the honest one. */
  readonly costMicroUsd: number | null;
}

/** `sent`: it was not cut off before it could be sent. */
export function failedCall(
  error: unknown,
  { model, sent, ...price }: { readonly model: string; readonly sent: boolean } & PriceOptions,
): FailedCall {
  if (!(error instanceof ModelCallError)) return { usage: null, requestId: null, costMicroUsd: 0 };
  const { usage, requestId, accepted, failure } = error;
  if (usage !== null)
    return { usage, requestId, costMicroUsd: costMicroUsd(model, usage, new Date(), price) };
  // What was begun, or cut off by us, before it said anything may be billed; what was refused or never arrived is not.
  const mayBeBilled = accepted || (failure.code === 'model_cancelled' && sent);
  return { usage, requestId, costMicroUsd: mayBeBilled ? null : 0 };
}
