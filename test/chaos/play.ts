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

export interface Fate {
  /** What is done to the attempts once each has come to its point, up to the end of every run. */
  readonly disturb: (table: Table, first: WorkerProcess) => Promise<void>;
  /** Attempts have to be at their points, and what has to be done to them done, within this; leases are 10 s longer. */
  readonly toolTimeoutMs: number;
}

const LIMIT_MS = 120_000;
/** `PENDING_ACTIVITY_STATE_CANCEL_REQUESTED`. */
const CANCEL_REQUESTED = 3;

/** Plays cells side by side: all their runs come to their points in one worker, and there meet one fate. */
export async function play(
  addresses: Addresses,
  cells: readonly Cell[],
  { disturb, toolTimeoutMs }: Fate,
): Promise<ReadonlyMap<Cell, Ended>> {
  await using payments = await openPayments();
  await using lab = await openLab({
    ...addresses,
    agents: [],
    conversations: cells.map(conversationOf),
    worker: false,
  });
  const environment = {
    ...lab.environment,
    PAYMENTS_URL: payments.url,
    TOOL_TIMEOUT_MS: String(toolTimeoutMs),
  };
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

/** Every run waits for a person, so that all attempts start together. */
async function approveAll({ lab, playing }: Table): Promise<void> {
  const look = async () => {
    const rows = await lab.sql<{ id: string; workflow_id: string }[]>`
      select id, workflow_id from approvals where kind = 'call' and state = 'open'`;
    return rows.length === playing.length && rows;
  };
  const open = await until('every approval', look, LIMIT_MS);
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
export const kill: Fate = {
  disturb: async (table, first) => {
    await first.held();
    await cancelAll(table.playing.filter(({ cell }) => cell.fault === 'cancel, then kill'));
    first.signal('SIGKILL');
    await first.exited;
    await finishWithAnother(table);
  },
  toolTimeoutMs: 8_000,
};

/** Every run is cancelled while its attempt is at its point, and only then the attempt goes on. */
export const cancel: Fate = {
  disturb: async (table, first) => {
    await first.held();
    await cancelAll(table.playing);
    for (const { cell, handle } of table.playing)
      first.release(handle.workflowId, cell.fault === 'cancel, heard' ? 'hear' : 'go');
    await finish(table);
    first.signal('SIGTERM');
    await first.exited;
  },
  // No lease is waited for here.
  toolTimeoutMs: 60_000,
};

/** The process freezes with every attempt at its point, and wakes when another one has brought all runs to their end. */
export const stall: Fate = {
  disturb: async (table, first) => {
    await first.held();
    first.signal('SIGSTOP');
    await finishWithAnother(table);
    for (const { handle } of table.playing) first.release(handle.workflowId, 'go');
    first.signal('SIGCONT');
    // It drains: when it has ended, every attempt that was frozen has said its last word.
    first.signal('SIGTERM');
    await first.exited;
  },
  toolTimeoutMs: 8_000,
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

async function finishWithAnother(table: Table): Promise<void> {
  await using next = await startWorkerProcess(table.environment);
  await finish(table);
  next.signal('SIGTERM');
  await next.exited;
}

/** Every run comes to its end; a person answers what has to be asked. */
async function finish(table: Table): Promise<void> {
  let over = false;
  const ended = Promise.all(table.playing.map(({ handle }) => handle.result())).finally(() => {
    over = true;
  });
  const answer = async () => {
    const open = await table.lab.sql<Question[]>`
      select id, key, workflow_id from approvals where kind = 'reconcile' and state = 'open'`;
    for (const question of open) await answerQuestion(table, question);
    return over;
  };
  await Promise.all([ended, until('the end of every run', answer, LIMIT_MS)]);
}

interface Question {
  readonly id: string;
  readonly key: string;
  readonly workflow_id: string;
}

/** A person who looks into the books of the service. About `blind` effects they cannot find out either. */
async function answerQuestion({ answers, payments, playing }: Table, question: Question): Promise<void> {
  const asked = playing.find(({ handle }) => handle.workflowId === question.workflow_id);
  // Nobody answers the question of a run that is being cancelled: it is withdrawn in the same moment.
  if (asked === undefined || asked.cell.fault.startsWith('cancel') || answers.has(question.workflow_id))
    return;
  const done = payments.of(question.key).acts > 0;
  const outcome = asked.cell.kind === 'blind' ? 'give_up' : done ? 'happened' : 'did_not';
  answers.set(question.workflow_id, outcome);
  await asked.handle.signal(decideSignal, {
    approval: question.id,
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
      // An attempt that wakes after its time may first say that it does not know; its last word counts.
      evidence: facts.evidence.filter((kind) => kind !== 'late_unknown'),
      incidents: facts.incidents,
    },
  };
}
