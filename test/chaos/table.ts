import { liftSwitch } from '../../src/store/switches.ts';
import { cancelSignal, decideSignal, retrySignal } from '../../src/workflows/messages.ts';
import { type Handle, type Lab, until } from '../e2e/lab.ts';
import type { Cell } from './cells.ts';
import { orderWrites } from './orderBook.ts';
import type { Account, Payments } from './payments.ts';

// The runs that are played together, and the people around them, who go by what the store and the books say.

export const LIMIT_MS = 120_000;

export interface Playing {
  readonly cell: Cell;
  readonly handle: Handle;
}

export interface Table {
  readonly lab: Lab;
  readonly payments: Payments;
  readonly environment: Readonly<Record<string, string>>;
  readonly playing: readonly Playing[];
}

/** Every cell is a tenant of its own, so its switch is nobody else's. */
export function switchOf(cell: Cell): string {
  return `tenant:${cell.name}`;
}

export function change(name: string) {
  return { name, by: 'operator', reason: 'a test' };
}

/** Every run comes to its end: a person answers what has to be asked, and an operator sees to what is held. */
export async function finish(table: Table): Promise<void> {
  const { sql } = table.lab;
  let over = false;
  const ended = Promise.all(table.playing.map(({ handle }) => handle.result())).finally(() => {
    over = true;
  });
  // Each once: what was said takes a while to show.
  const done = new Set<string>();
  const attend = async () => {
    const questions = await sql<Question[]>`
      select id, key, workflow_id from approvals where kind = 'reconcile' and state = 'open'`;
    for (const question of questions.filter(({ id }) => !done.has(id))) {
      done.add(question.id);
      await answer(table, question);
    }
    const held = await sql<{ workflow_id: string }[]>`select workflow_id from runs where state = 'held'`;
    for (const { workflow_id } of held.filter((run) => !done.has(run.workflow_id))) {
      done.add(workflow_id);
      await releaseHeld(table, workflow_id);
    }
    return over;
  };
  await Promise.all([ended, until('the end of every run', attend, LIMIT_MS)]);
}

interface Question {
  readonly id: string;
  readonly key: string;
  readonly workflow_id: string;
}

function playingOf({ playing }: Table, workflowId: string): Playing {
  const one = playing.find(({ handle }) => handle.workflowId === workflowId);
  if (one === undefined) throw new Error(`${workflowId} is not played here`);
  return one;
}

/** A person who looks into the books of the service. About `blind` effects they cannot find out either. */
async function answer(table: Table, { id, key, workflow_id }: Question): Promise<void> {
  const { cell, handle } = playingOf(table, workflow_id);
  const { acts } = await accountOf(table, cell, key);
  const outcome = cell.kind === 'blind' ? 'give_up' : acts > 0 ? 'happened' : 'did_not';
  await handle.signal(decideSignal, {
    approval: id,
    kind: 'answer',
    by: 'boss',
    channel: 'test',
    answer: outcome === 'happened' ? { outcome, result: 'paid' } : { outcome },
  });
}

/** An operator goes by what lists say of the run. */
async function releaseHeld(table: Table, workflowId: string): Promise<void> {
  const { cell, handle } = playingOf(table, workflowId);
  if (cell.fault === 'switch, stall, cancel') return handle.signal(cancelSignal, { by: 'operator' });
  await liftSwitch(table.lab.sql, change(switchOf(cell)));
  await handle.signal(retrySignal, { by: 'operator' });
}

/** The books of whoever acted. A shop is one cell's alone, so whatever is written there is this cell's doing. */
export async function accountOf(
  { lab, payments }: { readonly lab: Pick<Lab, 'sql'>; readonly payments: Pick<Payments, 'of'> },
  cell: Pick<Cell, 'kind' | 'name'>,
  key: string,
): Promise<Account> {
  if (cell.kind !== 'shop') return payments.of(key);
  const acts = await orderWrites(lab.sql, cell.name);
  return { requests: acts, acts, checks: 0 };
}
