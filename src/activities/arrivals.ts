import { Context } from '@temporalio/activity';
import { isObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { ArrivalTimesInput, DecisionArrival } from './types.ts';

/**
 * When the server received the decisions on these approvals, from the run's own history (newest first). A worker
 * that was down reads them late; the history knows when they came.
 */
export async function arrivalTimes(input: ArrivalTimesInput): Promise<readonly DecisionArrival[]> {
  const { client, info } = Context.current();
  const arrivals: DecisionArrival[] = [];
  let nextPageToken: Uint8Array | undefined;
  for (let page = 0; page < LIMITS.arrivalPages; page++) {
    const response = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: info.namespace,
      execution: { workflowId: input.workflowId, runId: info.workflowExecution?.runId ?? '' },
      maximumPageSize: LIMITS.arrivalPageEvents,
      ...(nextPageToken !== undefined && { nextPageToken }),
    });
    for (const event of response.history?.events ?? []) {
      const signal = event.workflowExecutionSignaledEventAttributes;
      if (signal?.signalName !== 'decide' || !event.eventTime) continue;
      const [decision] = await decodeAll(signal.input?.payloads ?? []);
      if (!isObject(decision) || !input.approvals.includes(String(decision.approval) as never)) continue;
      const arrivedAtMs =
        Number(event.eventTime.seconds) * 1_000 + Math.floor((event.eventTime.nanos ?? 0) / 1e6);
      arrivals.push({
        approval: String(decision.approval),
        by: String(decision.by),
        kind: String(decision.kind),
        arrivedAtMs,
      });
    }
    nextPageToken = response.nextPageToken ?? undefined;
    if (!nextPageToken?.length) break;
  }
  return arrivals.reverse();
}

type Payloads = Parameters<ReturnType<typeof converterOf>['payloadCodecs'][number]['decode']>[0];

function converterOf() {
  return Context.current().client.options.loadedDataConverter;
}

async function decodeAll(payloads: Payloads): Promise<readonly unknown[]> {
  const { payloadCodecs, payloadConverter } = converterOf();
  let decoded = payloads;
  for (const codec of [...payloadCodecs].reverse()) decoded = await codec.decode(decoded);
  return decoded.map((payload) => payloadConverter.fromPayload(payload));
}
