import type { FleetWorker } from './fleetWorker.ts';
import { isLeaked } from './secrecy.ts';

export interface Cards {
  readonly asked: number;
  readonly read: number;
  /** Workflows on whose card a secret stands. */
  readonly leaking: readonly string[];
}

/** Where cards are: a client, and who answers for it. */
export interface Desk {
  readonly client: {
    readonly workflow: { getHandle(workflowId: string): { query(name: string): Promise<unknown> } };
  };
  readonly workers: readonly Pick<FleetWorker, 'rssBytes'>[];
}

/** What Temporal's UI shows of each. A living worker has to be asked: without one nothing is. */
export async function readCards({ client, workers }: Desk, workflowIds: readonly string[]): Promise<Cards> {
  if (workers.every(({ rssBytes }) => rssBytes() === null)) return { asked: 0, read: 0, leaking: [] };
  const cards = await Promise.all(
    workflowIds.map(async (workflowId) => {
      const handle = client.workflow.getHandle(workflowId);
      // One that cannot be asked is not read: the report says how many were.
      const card = await handle.query('__temporal_workflow_metadata').catch(() => null);
      return card === null ? [] : [{ workflowId, text: JSON.stringify(card) }];
    }),
  );
  const read = cards.flat();
  const leaking = read.filter(({ text }) => isLeaked(text)).map(({ workflowId }) => workflowId);
  return { asked: workflowIds.length, read: read.length, leaking };
}
