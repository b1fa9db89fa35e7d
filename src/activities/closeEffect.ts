import { Context } from '@temporalio/activity';
import type { CallOutcome } from '../core/calls.ts';
import { LIMITS } from '../core/limits.ts';
import { refuse } from '../core/refusals.ts';
import { startActiveClock } from '../store/asking.ts';
import { storeBlobs } from '../store/chain.ts';
import {
  closeEffectRow,
  evidenceOf,
  resolveEffectRow,
  type Standing,
  settleEffect,
} from '../store/ledger.ts';
import { success } from '../tools/result.ts';
import { attemptEndsAtMs, jobOf, presentingMs, tryTool } from './attempt.ts';
import { guardsOf } from './guarding.ts';
import { present } from './presenting.ts';
import { privacyOf } from './privacy.ts';
import { isNotHere } from './releases.ts';
import type { ActivityServices } from './services.ts';
import { bodies, busy, leaseOf, settle, settleFound, settleUnknown } from './settling.ts';
import type { CloseEffectInput, ResolveEffectInput, RunToolInput, RunToolResult } from './types.ts';

// What becomes of an effect that nothing is run for any more: closed by the ledger, or resolved by a person's word.

/** After the activity of an effect has failed for good: waits out the lease and says what became of it. */
export async function closeEffect(
  services: ActivityServices,
  input: CloseEffectInput,
): Promise<RunToolResult> {
  const activeMs = startActiveClock();
  const release = await services.releases.get(input.release);
  const labels = release.tools.find((tool) => tool.labels.name === input.tool)?.labels;
  if (labels === undefined || labels.replay === 'pure')
    throw new Error(`${input.tool} is no effect of its release`);
  const closing = await closeEffectRow(services.sql, input, leaseOf(labels, labels.replay));
  switch (closing.kind) {
    case 'busy':
      throw busy(closing.remainingMs);
    case 'lapsed':
      return input.unchecked === true
        ? closeUnseen(services, input, closing.fence, 'the check ended the workers that ran it')
        : closeByCheck(services, input, closing.fence);
    case 'applied':
    case 'refused':
      return {
        kind: 'done',
        outcome: JSON.parse(closing.result) as CallOutcome,
        applied: closing.kind === 'applied',
        activeMs: activeMs(),
      };
    case 'void':
      return { kind: 'done', outcome: refuse('void'), applied: false, activeMs: activeMs() };
    case 'unknown':
    case 'mismatch':
      return {
        kind: 'unknown',
        evidence: await evidenceOf(services.sql, input.key, input.argsHash),
        activeMs: activeMs(),
      };
    default:
      return closing satisfies never;
  }
}

/** The last look at a `checkable` effect: nothing is run any more, so "did not" becomes final here. */
async function closeByCheck(
  services: ActivityServices,
  input: RunToolInput,
  fence: number,
): Promise<RunToolResult> {
  const job = await jobOf(services, input).catch((error: unknown) => {
    if (Context.current().info.attempt < LIMITS.releaseAttempts || !isNotHere(error)) throw error;
    return null;
  });
  if (job === null) {
    // No worker has the code that could look: a person is asked, rather than a worker waited for that never comes.
    return closeUnseen(services, input, fence, 'no worker has the version of the tool that could check');
  }
  // This activity has less time than a tool may take; without the cap a slow check would be cut off and tried for ever.
  const capMs = LIMITS.storeActivityMs - LIMITS.activityOverheadMs;
  const tried = await tryTool(job, async (context) => job.tool.check?.(job.args, context), capMs);
  const found = tried.kind === 'answered' ? tried.result : undefined;
  if (found?.kind === 'happened') return settleFound(job, fence, found.result);
  if (found?.kind !== 'did_not') return settleUnknown(job, fence, 'the last check could not tell');
  await settle(job, fence, { state: 'released', rendered: null, facts: { check: 'did_not' } });
  return closeEffect(job.services, job.input);
}

async function closeUnseen(
  services: ActivityServices,
  input: RunToolInput,
  fence: number,
  what: string,
): Promise<RunToolResult> {
  await settleEffect(services.sql, input.key, fence, {
    state: 'unknown',
    result: null,
    facts: { what },
    blob: null,
  });
  return closeEffect(services, input);
}

/** A person's word on an unknown effect becomes its result, where it still fits; the run is told what stands. */
export async function resolveEffect(
  services: ActivityServices,
  input: ResolveEffectInput,
): Promise<RunToolResult> {
  const endsAtMs = attemptEndsAtMs();
  const happened = input.said === 'happened';
  const release = await services.releases.get(input.release);
  const labels = release.tools.find((tool) => tool.labels.name === input.tool)?.labels;
  const { run, tool, requester } = input;
  const { returns, reads } = labels ?? WORST;
  const author = returns === 'untrusted' ? tool : null;
  const rendered = await present(
    guardsOf(services, release, true).output,
    await privacyOf(services, input.agent, requester),
    { run, tool, requester, reads, author, isLookUp: false, withinMs: presentingMs(endsAtMs) },
    success(input.result),
  );
  if (happened) await storeBlobs(services.sql, input.run, bodies(rendered));
  const stands = await resolveEffectRow(services.sql, input.key, {
    state: happened ? 'applied' : input.said === 'did_not' ? 'void' : 'given_up',
    result: happened ? JSON.stringify(rendered.outcome) : null,
    facts: { by: input.by },
  });
  return { kind: 'done', outcome: outcomeOf(stands), applied: stands.state === 'applied', activeMs: 0 };
}

/** Nobody is asked any more: what is not known stays so. */
function outcomeOf({ state, result }: Standing): CallOutcome {
  switch (state) {
    case 'applied':
    case 'refused':
      return JSON.parse(result ?? 'null') as CallOutcome;
    case 'void':
      return refuse('void');
    case 'unknown':
    case 'claimed':
      return refuse('unknown_outcome');
    default:
      return state satisfies never;
  }
}

const WORST = { returns: 'untrusted', reads: 'private' } as const;
