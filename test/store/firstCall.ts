import type { CallModelInput } from '../../src/activities/types.ts';
import type { RunId } from '../../src/core/ids.ts';
import { NAMESPACE_ID } from './claimInputs.ts';

let runs = 0;

/** The first model call of a run of its own, with what the customer wrote; by default the run's id, which is unique. */
export function firstCall(text: string | null = null, more: Partial<CallModelInput> = {}): CallModelInput {
  const run = `rfirst${process.pid}x${runs++}` as RunId;
  return {
    run,
    workflowId: `wf-${run}`,
    namespaceId: NAMESPACE_ID,
    agent: 'lab',
    requester: { id: 'customer', tenant: null, roles: [] },
    step: 1,
    purpose: 'act',
    head: null,
    append: { results: [], texts: [{ kind: 'inline', text: text ?? run, by: 'user' }], remind: false },
    release: null,
    channel: 'live',
    wantedLimits: {},
    context: null,
    extraTokens: 0,
    extraCostMicroUsd: 0,
    spentTokens: 0,
    lastTotalTokens: 0,
    pieces: 0,
    model: null,
    ...more,
  };
}
