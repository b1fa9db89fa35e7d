import type { Client, OperatorService } from '@temporalio/client';
import { LIMITS } from '../core/limits.ts';
import { compareSearchAttributes } from '../searchAttributes.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/searchAttributes.ts';
import { type Check, failure, type Look, ok, warning } from './doctorChecks.ts';

export interface TemporalPlace {
  readonly client: Client;
  readonly operatorService: OperatorService;
  readonly address: string;
  readonly taskQueue: string;
}

export function temporalChecks(place: TemporalPlace): readonly Check[] {
  const { namespace } = place.client.options;
  return [
    {
      name: 'temporal',
      mend: `create the namespace (temporal operator namespace create -n ${namespace}), or set TEMPORAL_NAMESPACE`,
      look: () => lookAtNamespace(place),
    },
    {
      name: 'search attributes',
      mend: 'have the operator of the namespace look: a managed server lets nobody else',
      look: () => lookAtAttributes(place),
    },
    {
      name: 'worker',
      mend: 'start one with "npm run dev", or as your deployment does',
      look: () => lookAtWorkers(place),
    },
  ];
}

async function lookAtNamespace({ client, address }: TemporalPlace): Promise<readonly Look[]> {
  const { namespace } = client.options;
  const { serverVersion } = await client.workflowService.getSystemInfo({});
  await client.workflowService.describeNamespace({ namespace });
  return [ok(`${address}, namespace ${namespace}, server ${serverVersion || 'of unknown version'}`)];
}

async function lookAtAttributes({ client, operatorService }: TemporalPlace): Promise<readonly Look[]> {
  const { namespace } = client.options;
  const { missing, different } = await compareSearchAttributes(operatorService, namespace, SEARCH_ATTRIBUTES);
  const [first] = missing;
  const [other] = different;
  if (first === undefined && other === undefined)
    return [ok(`all ${Object.keys(SEARCH_ATTRIBUTES).length} are registered`)];
  return [
    ...(first === undefined
      ? []
      : [
          failure(
            `${missing.map(([name]) => name).join(', ')} are not registered, and runs cannot begin without them`,
            `a worker registers them where it may; else: temporal operator search-attribute create -n ${namespace} --name ${first[0]} --type ${first[1]}`,
          ),
        ]),
    ...(other === undefined
      ? []
      : [
          failure(
            `${different.map(([name]) => name).join(', ')} are registered with another type`,
            `remove ${other[0]} in the namespace and register it as ${other[1]}`,
          ),
        ]),
  ];
}

/** `temporal.api.enums.v1.TaskQueueType`. */
const QUEUES = [
  ['workflow tasks', 1],
  ['activities', 2],
] as const;

async function lookAtWorkers({ client, taskQueue }: TemporalPlace): Promise<readonly Look[]> {
  const polled = await Promise.all(
    QUEUES.map(async ([what, taskQueueType]) => {
      const { pollers } = await client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: taskQueue },
        taskQueueType,
      });
      const times = (pollers ?? []).map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000);
      const alive = times.filter((ms) => Date.now() - ms <= LIMITS.workerSilentMs);
      return { what, alive: alive.length, silentMs: Date.now() - Math.max(0, ...times), known: times.length };
    }),
  );
  const missing = polled.filter(({ alive }) => alive === 0);
  const mend =
    'start one with "npm run dev", or as your deployment does; it has to use the same HOLDFAST_TASK_QUEUE and namespace';
  if (missing.length === 0)
    return [ok(`${Math.max(...polled.map(({ alive }) => alive))} on task queue ${taskQueue}`)];
  const words = missing.map(({ what }) => what).join(' and ');
  const gone = missing.filter(({ known }) => known > 0);
  const since =
    gone.length === 0
      ? ''
      : `; one did until ${Math.round(Math.min(...gone.map((one) => one.silentMs)) / 1_000)} s ago`;
  const found = `nobody polls task queue ${taskQueue} for ${words}${since}`;
  return [missing.length === polled.length ? failure(found, mend) : warning(found, mend)];
}
