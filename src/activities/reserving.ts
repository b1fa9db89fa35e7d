import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { ModelRequest } from '../models/provider.ts';
import { type AttemptOpened, openAttempt } from '../store/answers.ts';
import { type Draft, draftFor, worstCase } from './modelRequest.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput } from './types.ts';

/** An attempt that may be made now, with the request that was paid for; or why it may not. */
export type Reserved =
  | (Extract<AttemptOpened, { kind: 'opened' }> & { readonly request: ModelRequest })
  | Exclude<AttemptOpened, { kind: 'opened' }>;

/**
 * Reserves the worst case of a call under every cap, one statement. Where a cap says `degrade`, the same call is tried at
 * a cheaper tier, one statement more; if that does not fit either, or is not cheaper, the turn lands.
 */
export async function reserveCall(
  services: ActivityServices,
  input: CallModelInput,
  release: Hash,
  draft: Draft,
): Promise<Reserved> {
  const first = await reserveDraft(services, input, release, draft);
  if (first.kind !== 'over_budget' || first.over.atCap !== 'degrade') return first;
  const landing = { ...first, over: { ...first.over, atCap: 'land' as const } };
  const [model] = services.models[first.over.degradeTo ?? 'small'];
  if (model === undefined) return landing;
  const cheaper = draftFor(draft, model);
  if (worstCase(services, input, cheaper).microUsd >= worstCase(services, input, draft).microUsd)
    return landing;
  const second = await reserveDraft(services, input, release, cheaper);
  return second.kind === 'over_budget' && second.over.atCap === 'degrade' ? landing : second;
}

async function reserveDraft(
  services: ActivityServices,
  input: CallModelInput,
  release: Hash,
  draft: Draft,
): Promise<Reserved> {
  const { step, purpose, grant = null } = input;
  const { model } = draft.request;
  const { microUsd } = worstCase(services, input, draft);
  const opened = await openAttempt(
    services.sql,
    input,
    { step, purpose, model, release },
    {
      microUsd,
      // The landing after this call must still fit; it is priced like this one, as for the run's own limit.
      needsMicroUsd: purpose === 'land' ? microUsd : 2 * microUsd,
      ttlMs: LIMITS.modelCallMs,
      grant,
    },
  );
  return opened.kind === 'opened' ? { ...opened, request: draft.request } : opened;
}
