import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { createHoldfastClient } from '../../src/client.ts';
import { decideSignal, type RunResult } from '../../src/workflows/messages.ts';
import { type Lab, until } from '../../test/e2e/lab.ts';
import { script } from '../../test/e2e/labAgent.ts';
import { type bareDecision, goSignal } from '../live/bareWorkflow.ts';
import { crowd } from '../live/crowd.ts';
import type { Payments } from './payments.ts';
import { recordedAfterMs } from './record.ts';

/** Something that waits for a word and then acts outside: the engine alone, or Holdfast. */
export interface Deciding {
  readonly name: string;
  /** Starts runs and resolves when all of them wait. */
  park(count: number): Promise<readonly string[]>;
  /** Says the word to one and waits for its end. */
  decide(workflowId: string): Promise<Decided>;
}

export interface Decided {
  /** From the call of the client to the request at the service. */
  readonly effectMs: number;
  /** From the server's event of the signal to its event of the effect's result. */
  readonly recordedMs: number;
}

const OPENING = 'Please pay.';
/** What the model of `payer` says. */
export const PAYING = script(OPENING, [
  { says: { calls: [{ name: 'pay', input: { what: 'the bill' } }] } },
  { says: { text: 'It is paid.' } },
]);

const AT_ONCE = 40;
const PARK_MS = 60_000;
/** What a run does after its request is on record is over by then. */
const SETTLE_MS = 500;

export function holdfast(lab: Lab, payments: Payments): Deciding {
  const { client, config, sql } = lab;
  const speaker = createHoldfastClient({ client, taskQueue: config.taskQueue });
  return {
    name: 'Holdfast',
    park: async (count) => {
      const batch = randomUUID();
      const ids = idsOf(batch, count);
      await crowd({ count, atOnce: AT_ONCE }, async (i) => {
        await startParked(lab, ids[i] ?? '');
      });
      await until(
        `${count} requests`,
        async () => {
          const [row] = await sql<{ open: number }[]>`
            select count(*)::int as open from approvals where workflow_id like ${`${batch}%`} and state = 'open'`;
          return row?.open === count;
        },
        PARK_MS,
      );
      await settle();
      return ids;
    },
    decide: async (workflowId) => {
      const [open] = await sql<{ id: string; args_hash: string }[]>`
        select id, args_hash from approvals where workflow_id = ${workflowId}`;
      if (open === undefined) throw new Error(`${workflowId} waits for nothing`);
      const arrival = payments.arrival(workflowId);
      const saidAtMs = performance.now();
      await speaker.decide({
        workflowId,
        approval: open.id,
        argsHash: open.args_hash,
        kind: 'approve',
        by: 'clerk',
      });
      const effectMs = (await arrival) - saidAtMs;
      const handle = client.workflow.getHandle<() => Promise<RunResult>>(workflowId);
      const { outcome } = await handle.result();
      if (outcome !== 'completed') throw new Error(`${workflowId} ended as ${outcome}`);
      return { effectMs, recordedMs: await recordedMs(client, workflowId, decideSignal.name, 'runTool') };
    },
  };
}

/** Returns when the run is on its way to its request. */
export async function startParked({ start }: Pick<Lab, 'start'>, workflowId: string): Promise<void> {
  await start({ agent: 'payer', message: OPENING, once: true, requester: { id: workflowId } }, workflowId);
}

export function bare(client: Client, taskQueue: string, payments: Payments): Deciding {
  const handle = (workflowId: string) => client.workflow.getHandle<typeof bareDecision>(workflowId);
  return {
    name: 'the engine alone',
    park: async (count) => {
      const ids = idsOf(randomUUID(), count);
      await crowd({ count, atOnce: AT_ONCE }, async (i) => {
        const workflowId = ids[i] ?? '';
        await client.workflow.start('bareDecision', { workflowId, taskQueue, args: [workflowId] });
        // Started, scheduled, taken, done, and the timer of its wait.
        await until(
          `${workflowId} to wait`,
          async () => (await handle(workflowId).describe()).historyLength >= 5,
          PARK_MS,
        );
      });
      await settle();
      return ids;
    },
    decide: async (workflowId) => {
      const arrival = payments.arrival(workflowId);
      const saidAtMs = performance.now();
      await handle(workflowId).signal(goSignal);
      const effectMs = (await arrival) - saidAtMs;
      await handle(workflowId).result();
      return { effectMs, recordedMs: await recordedMs(client, workflowId, goSignal.name, 'pay') };
    },
  };
}

async function recordedMs(
  client: Client,
  workflowId: string,
  signal: string,
  activity: string,
): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return recordedAfterMs(events ?? [], { signal, activity });
}

function idsOf(batch: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${batch}-${i}`);
}

export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
