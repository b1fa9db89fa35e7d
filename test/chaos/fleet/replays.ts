import { eventsOf, type NamedHistory } from '../../../src/replay/history.ts';
import { replay } from '../../../src/replay/replay.ts';
import { problemOf } from '../../../src/replay/shipped.ts';
import { sharedBundle } from '../../sharedBundle.ts';
import { type Archive, executionsOf } from './archive.ts';
import { isLeakedIn } from './secrecy.ts';

// V6: what a run has done is what its code does again, event by event. And V7, since the histories are at hand.

export interface Replays {
  /** Executions whose history was read, and those among them that were replayed. */
  readonly read: number;
  readonly replayed: number;
  readonly problems: readonly string[];
  /** Workflows whose code would do something else now. */
  readonly differing: readonly string[];
}

const AT_ONCE = 8;

/**
 * Reads the histories of these workflows, every execution of each, and looks for secrets in all of them. Replays `most`:
 * first those in which a task was tried again or timed out, then in the order that was given.
 */
export async function replayAll(
  client: Archive,
  workflowIds: readonly string[],
  most: number,
): Promise<Replays> {
  const problems: string[] = [];
  const differing: string[] = [];
  const read: { readonly workflowId: string; readonly runId: string; readonly troubled: boolean }[] = [];
  await inTurn(workflowIds, async (workflowId) => {
    for await (const { runId, history } of executionsOf(client, workflowId)) {
      if (isLeakedIn(history)) problems.push(`V7: ${workflowId}: its history holds a secret`);
      read.push({ workflowId, runId, troubled: isTroubled(history) });
    }
  });
  const order = new Map(workflowIds.map((workflowId, at) => [workflowId, at]));
  const rank = ({ workflowId, troubled }: (typeof read)[number]) =>
    (troubled ? 0 : workflowIds.length) + (order.get(workflowId) ?? 0);
  const chosen = [...read].sort((a, b) => rank(a) - rank(b)).slice(0, most);
  async function* histories(): AsyncGenerator<NamedHistory> {
    for (const { workflowId, runId } of chosen)
      yield {
        name: workflowId,
        workflowId,
        history: await client.workflow.getHandle(workflowId, runId).fetchHistory(),
      };
  }
  let replayed = 0;
  if (chosen.length > 0) {
    for await (const one of replay({ bundle: await sharedBundle() }, histories())) {
      if (one.verdict.kind === 'replays') replayed += 1;
      else {
        problems.push(`V6: ${problemOf(one)}`);
        differing.push(one.workflowId);
      }
    }
  }
  return { read: read.length, replayed, problems, differing };
}

/** A task was tried again, failed, or timed out. */
function isTroubled(history: NamedHistory['history']): boolean {
  return eventsOf(history).some(
    (event) =>
      (event.activityTaskStartedEventAttributes?.attempt ?? 1) > 1 ||
      event.activityTaskTimedOutEventAttributes ||
      event.activityTaskFailedEventAttributes ||
      event.workflowTaskTimedOutEventAttributes ||
      event.workflowTaskFailedEventAttributes,
  );
}

/** So many at a time. */
async function inTurn<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}
