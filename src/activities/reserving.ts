import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { ModelTier } from '../core/release.ts';
import type { ModelRequest } from '../models/provider.ts';
import { type AttemptOpened, openAttempt } from '../store/answers.ts';
import { type Draft, draftFor, worstCase } from './modelRequest.ts';
import type { Route } from './route.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput } from './types.ts';

/** For what a call is reserved. */
interface ReservedFor {
  readonly release: Hash;
  /** What the run may cost in all. */
  readonly allowedMicroUsd: number;
}

/** An attempt that may be made now, with the request that was paid for and its way; or why it may not. */
export type Reserved =
  | (Extract<AttemptOpened, { kind: 'opened' }> & { readonly request: ModelRequest; readonly route: Route })
  | Exclude<AttemptOpened, { kind: 'opened' }>;

/** The way to the model of the draft, and a way to one of another tier that may be called now; null for none. */
export interface Ways {
  readonly route: Route;
  readonly aside: (tier: ModelTier) => Promise<Route | null>;
}

/**
 * Reserves the worst case of a call under the run's limit and every cap, one statement. Where a cap says `degrade`, the
 * same call is tried at a cheaper tier, one statement more; if that does not fit either, is not cheaper, or may not be
 * called, the turn lands.
 */
export async function reserveCall(
  services: ActivityServices,
  input: CallModelInput,
  reserved: ReservedFor,
  draft: Draft,
  { route, aside }: Ways,
): Promise<Reserved> {
  const first = await reserveDraft(services, input, reserved, { draft, route });
  if (first.kind !== 'over_budget' || first.over.atCap !== 'degrade') return first;
  const landing = { ...first, over: { ...first.over, atCap: 'land' as const } };
  const other = await aside(first.over.degradeTo ?? 'small');
  if (other === null) return landing;
  const cheaper = draftFor(draft, other.model);
  if (worstCase(services, input, cheaper).microUsd >= worstCase(services, input, draft).microUsd)
    return landing;
  const second = await reserveDraft(services, input, reserved, { draft: cheaper, route: other });
  return second.kind === 'over_budget' && second.over.atCap === 'degrade' ? landing : second;
}

async function reserveDraft(
  services: ActivityServices,
  input: CallModelInput,
  reserved: ReservedFor,
  { draft, route }: { readonly draft: Draft; readonly route: Route },
): Promise<Reserved> {
  const { step, purpose, grant = null } = input;
  const { model } = draft.request;
  const { release, allowedMicroUsd } = reserved;
  const { microUsd } = worstCase(services, input, draft);
  // The landing after this call must still fit; it is priced like this one. Of the landing itself one may be too much.
  const needsMicroUsd = purpose === 'land' ? microUsd : 2 * microUsd;
  const opened = await openAttempt(
    services.sql,
    input,
    { step, purpose, model, release },
    {
      microUsd,
      mostSpentMicroUsd:
        draft.reply === null ? allowedMicroUsd - (purpose === 'land' ? 0 : needsMicroUsd) : null,
      needsMicroUsd,
      ttlMs: LIMITS.modelCallMs,
      grant,
    },
  );
  return opened.kind === 'opened' ? { ...opened, request: draft.request, route } : opened;
}
