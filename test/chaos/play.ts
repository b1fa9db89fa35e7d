import { copyShop } from '../../src/agents/support/copies.ts';
import { DEFAULT_SHOP } from '../../src/agents/support/schema.ts';
import type { RunId } from '../../src/core/ids.ts';
import type { Conversation } from '../../src/models/scripted/conversation.ts';
import { databaseOf } from '../../src/store/database.ts';
import { cancelSignal, decideSignal } from '../../src/workflows/messages.ts';
import { type Addresses, type Handle, type Lab, openLab, until } from '../e2e/lab.ts';
import { call, say, script } from '../e2e/labAgent.ts';
import type { Cell, Seen } from './cells.ts';
import { type Facts, readFacts, toldBy } from './facts.ts';
import { type Account, openPayments, type Payments } from './payments.ts';
import { startWorkerProcess, type WorkerProcess } from './workerProcess.ts';

/** What came of a cell. */
export interface Ended {
  readonly facts: Facts;
  readonly seen: Seen;
}

interface Playing {
  readonly cell: Cell;
  readonly handle: Handle;
}

interface Table {
  readonly lab: Lab;
  /** What the person said, by workflow. */
  readonly answers: Map<string, 'happened' | 'did_not' | 'give_up'>;
  readonly payments: Payments;
  readonly environment: Readonly<Record<string, string>>;
  readonly playing: readonly Playing[];
}

export type Disturb = (table: Table, first: WorkerProcess) => Promise<void>;

const LIMIT_MS = 120_000;
/** `PENDING_ACTIVITY_STATE_CANCEL_REQUESTED`. */
const CANCEL_REQUESTED = 3;

/** Plays cells side by side: all their runs come to their points in one worker, and `disturb` does what it does. */
export async function play(
  addresses: Addresses,
  cells: readonly Cell[],
  disturb: Disturb,
): Promise<ReadonlyMap<Cell, Ended>> {
  await using payments = await openPayments();
  await using lab = await openLab({
    ...addresses,
    agents: [],
    conversations: cells.map(conversationOf),
    worker: false,
  });
  const environment = { ...lab.environment, PAYMENTS_URL: payments.url };
  const workflowIdOf = (cell: Cell) => `${lab.config.taskQueue} ${cell.name}`;
  await using first = await startWorkerProcess(
    environment,
    new Map(cells.map((cell) => [workflowIdOf(cell), cell.point])),
  );
  const playing = await Promise.all(
    cells.map(async (cell) => ({ cell, handle: await start(lab, cell, workflowIdOf(cell)) })),
  );
  const table: Table = { lab, answers: new Map(), payments, environment, playing };
  await approveAll(table);
  await disturb(table, first);
  const ended = new Map<Cell, Ended>();
  for (const one of playing) ended.set(one.cell, await readEnd(table, one));
  return ended;
}

function conversationOf({ name, kind }: Cell): Conversation {
  const first =
    kind === 'shop'
      ? { says: { calls: [{ name: 'return_delivered_order_items', input: RETURN }] } }
      : call(`pay_${kind}`, name);
  return script(name, [first, say('That is all that I know.')]);
}

const RETURN = {
  order_id: '#W7000101',
  item_ids: ['3300102', '3300303', '3300901'],
  payment_method_id: 'credit_card_2041177',
};

/** Every run of the shop has a shop of its own, named like its cell. */
async function start(lab: Lab, cell: Cell, workflowId: string): Promise<Handle> {
  if (cell.kind === 'shop') await copyShop(databaseOf(lab.sql), DEFAULT_SHOP, cell.name);
  return lab.start(
    {
      agent: cell.kind === 'shop' ? 'support' : 'payer',
      message: cell.name,
      once: true,
      requester: { id: 'mara', tenant: cell.name },
    },
    workflowId,
  );
}

/** The barrier: every run waits for a person, so that all attempts start together. */
async function approveAll({ lab, playing }: Table): Promise<void> {
  const open = await until('every approval', async () => {
    const rows = await lab.sql<{ id: string; workflow_id: string }[]>`
      select id, workflow_id from approvals where kind = 'call' and state = 'open'`;
    return rows.length === playing.length && rows;
  });
  const ids = new Map(open.map((row) => [row.workflow_id, row.id]));
  await Promise.all(
    playing.map(({ handle }) =>
      handle.signal(decideSignal, {
        approval: ids.get(handle.workflowId) ?? '',
        kind: 'approve',
        by: 'boss',
        channel: 'test',
      }),
    ),
  );
}

/** The worker dies with every attempt at its point, some of them cancelled; then another one comes. */
export const kill: Disturb = async (table, first) => {
  await first.held();
  await cancelAll(table.playing.filter(({ cell }) => cell.fault === 'cancel, then kill'));
  first.signal('SIGKILL');
  await first.exited;
  await finishWithAnother(table);
};

/** Every run is cancelled while its attempt is at its point, and only then the attempt goes on. */
export const cancel: Disturb = async ({ playing }, first) => {
  await first.held();
  await cancelAll(playing);
  for (const { cell, handle } of playing)
    first.release(handle.workflowId, cell.fault === 'cancel, heard' ? 'hear' : 'go');
  await Promise.all(playing.map(({ handle }) => handle.result()));
  first.signal('SIGTERM');
  await first.exited;
};

/** Resolves when the server has noted for every outstanding attempt that it is cancelled. */
async function cancelAll(playing: readonly Playing[]): Promise<void> {
  await Promise.all(playing.map(({ handle }) => handle.signal(cancelSignal, { by: 'operator' })));
  for (const { cell, handle } of playing)
    await until(`the cancellation of ${cell.name}`, async () => {
      const { raw } = await handle.describe();
      return raw.pendingActivities?.some((one) => one.state === CANCEL_REQUESTED);
    });
}

/** The process freezes with every attempt at its point, and wakes when another one has brought all runs to their end. */
export const stall: Disturb = async (table, first) => {
  const ids = table.playing.map(({ handle }) => handle.workflowId);
  await first.held();
  first.signal('SIGSTOP');
  await finishWithAnother(table);
  for (const id of ids) first.release(id, 'go');
  first.signal('SIGCONT');
  // It drains: when it has ended, every attempt that was frozen has said its last word.
  first.signal('SIGTERM');
  await first.exited;
};

/** Another worker takes over; a person answers what it has to ask. */
async function finishWithAnother(table: Table): Promise<void> {
  await using next = await startWorkerProcess(table.environment);
  const ended = Promise.all(table.playing.map(({ handle }) => handle.result()));
  let over = false;
  const done = ended.finally(() => {
    over = true;
  });
  await Promise.all([done, answerQuestions(table, () => over)]);
  next.signal('SIGTERM');
  await next.exited;
}

/** A person who looks into the books of the service. About `blind` effects they cannot find out either. */
async function answerQuestions(table: Table, over: () => boolean): Promise<void> {
  await until(
    'the end of every run',
    async () => {
      const open = await table.lab.sql<{ id: string; key: string; workflow_id: string }[]>`
        select id, key, workflow_id from approvals where kind = 'reconcile' and state = 'open'`;
      for (const request of open) await answerQuestion(table, request);
      return over();
    },
    LIMIT_MS,
  );
}

async function answerQuestion(
  { answers, payments, playing }: Table,
  request: { readonly id: string; readonly key: string; readonly workflow_id: string },
): Promise<void> {
  const asked = playing.find(({ handle }) => handle.workflowId === request.workflow_id);
  // Nobody answers the question of a run that is being cancelled: it is withdrawn in the same moment.
  if (asked === undefined || asked.cell.fault.startsWith('cancel') || answers.has(request.workflow_id))
    return;
  const done = payments.of(request.key).acts > 0;
  const outcome = asked.cell.kind === 'blind' ? 'give_up' : done ? 'happened' : 'did_not';
  answers.set(request.workflow_id, outcome);
  await asked.handle.signal(decideSignal, {
    approval: request.id,
    kind: 'answer',
    by: 'boss',
    channel: 'test',
    answer: outcome === 'happened' ? { outcome, result: 'paid' } : { outcome },
  });
}

async function readEnd({ lab, payments, answers }: Table, { cell, handle }: Playing): Promise<Ended> {
  const { run } = await handle.result();
  const account = async (key: string): Promise<Account> => {
    if (cell.kind !== 'shop') return payments.of(key);
    const [row] = await lab.sql<{ acts: number }[]>`
      select count(*)::int as acts from shop.applied where shop = ${cell.name} and idempotency_key = ${key}`;
    return { requests: row?.acts ?? 0, acts: row?.acts ?? 0, checks: 0 };
  };
  const facts = await readFacts(lab.sql, run as RunId, async (key) => (await account(key)).acts);
  const [effect] = facts.effects;
  const [question] = facts.approvals.filter((approval) => approval.kind === 'reconcile');
  const last = facts.results.at(-1);
  return {
    facts,
    seen: {
      state: effect?.state ?? 'none',
      fence: effect?.fence ?? 0,
      ...(await account(effect?.key ?? '')),
      person:
        question === undefined
          ? null
          : question.state === 'answered'
            ? (answers.get(handle.workflowId) ?? 'somebody else')
            : question.state,
      told: last === undefined ? 'nothing' : toldBy(last.text),
      evidence: facts.evidence,
      incidents: facts.incidents,
    },
  };
}
