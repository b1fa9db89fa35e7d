import { copyShop } from '../../src/agents/support/copies.ts';
import { DEFAULT_SHOP } from '../../src/agents/support/schema.ts';
import type { RunId } from '../../src/core/ids.ts';
import type { Conversation } from '../../src/models/scripted/conversation.ts';
import { databaseOf } from '../../src/store/database.ts';
import { liftSwitch, listSwitches, setSwitch } from '../../src/store/switches.ts';
import { cancelSignal, decideSignal } from '../../src/workflows/messages.ts';
import { type Addresses, type Handle, type Lab, openLab, until } from '../e2e/lab.ts';
import { call, say, script } from '../e2e/labAgent.ts';
import type { Cell, Seen } from './cells.ts';
import type { DecisionNote } from './decisionNote.ts';
import { type Facts, outcomeOf, readFacts, toldBy } from './facts.ts';
import { firstAfter, readEvents } from './golden/history.ts';
import { openOrderBook } from './orderBook.ts';
import { openPayments } from './payments.ts';
import { accountOf, change, finish, LIMIT_MS, type Playing, switchOf, type Table } from './table.ts';
import { startWorkerProcess, type WorkerProcess } from './workerProcess.ts';

/** What came of a cell. */
export interface Ended {
  readonly facts: Facts;
  /** Whoever said yes to its effect. */
  readonly decisions: readonly DecisionNote[];
  readonly seen: Seen;
  /** From the moment when another worker was there to the first activity that came to its end; null: none was away. */
  readonly backMs: number | null;
}

export interface Fate {
  /**
   * What is done to the attempts once each has come to its point, up to the end of every run. Resolves with the moment
   * (ms of the epoch) from which another worker was there, or null.
   */
  readonly disturb: (table: Table, first: WorkerProcess) => Promise<number | null>;
  /** Attempts have to be at their points, and what has to be done to them done, within this; leases are 10 s longer. */
  readonly toolTimeoutMs: number;
}

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
  await openOrderBook(lab.sql);
  const playing = await Promise.all(
    cells.map(async (cell) => ({ cell, handle: await start(lab, cell, workflowIdOf(cell)) })),
  );
  const table: Table = { lab, payments, environment, playing };
  const decisions = await approveAll(table);
  const readyAtMs = await disturb(table, first);
  const ended = new Map<Cell, Ended>();
  for (const one of playing) {
    const backMs =
      readyAtMs === null
        ? null
        : firstAfter(await readEvents(one.handle), readyAtMs, ['ACTIVITY_TASK_COMPLETED']);
    const own = decisions.filter(({ workflowId }) => workflowId === one.handle.workflowId);
    ended.set(one.cell, { ...(await readEnd(table, one)), decisions: own, backMs });
  }
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
async function approveAll({
  lab,
  playing,
}: Table): Promise<readonly (DecisionNote & { workflowId: string })[]> {
  const look = async () => {
    const rows = await lab.sql<{ id: string; workflow_id: string; args_hash: string }[]>`
      select id, workflow_id, args_hash from approvals where kind = 'call' and state = 'open'`;
    return rows.length === playing.length && rows;
  };
  const open = await until('every approval', look, LIMIT_MS);
  const decisions = open.map(({ id, workflow_id, args_hash }) => ({
    workflowId: workflow_id,
    approval: id,
    kind: 'approve' as const,
    by: 'boss',
    argsHash: args_hash,
    atMs: Date.now(),
  }));
  await Promise.all(
    decisions.map(({ workflowId, approval, kind, by }) =>
      lab.client.workflow.getHandle(workflowId).signal(decideSignal, { approval, kind, by, channel: 'test' }),
    ),
  );
  return decisions;
}

/** The worker dies with every attempt at its point; then another one comes. */
export const kill: Fate = {
  disturb: async (table, first) => {
    await first.held();
    await meddle(table);
    first.signal('SIGKILL');
    await first.exited;
    return finishWithAnother(table);
  },
  toolTimeoutMs: 8_000,
};

/** Every attempt goes on from its point in the same worker. */
export const goOn: Fate = {
  disturb: async (table, first) => {
    await first.held();
    await meddle(table);
    for (const { cell, handle } of table.playing)
      first.release(handle.workflowId, cell.fault === 'cancel, heard' ? 'hear' : 'go');
    await finish(table);
    first.signal('SIGTERM');
    await first.exited;
    return null;
  },
  // No lease is waited for here.
  toolTimeoutMs: 60_000,
};

/** The process freezes with every attempt at its point, and wakes when another one has brought all runs to their end. */
export const stall: Fate = {
  disturb: async (table, first) => {
    await first.held();
    first.signal('SIGSTOP');
    await meddle(table);
    const readyAtMs = await finishWithAnother(table);
    for (const { name } of await listSwitches(table.lab.sql)) await liftSwitch(table.lab.sql, change(name));
    for (const { handle } of table.playing) first.release(handle.workflowId, 'go');
    first.signal('SIGCONT');
    // It drains: when it has ended, every attempt that was frozen has said its last word.
    first.signal('SIGTERM');
    await first.exited;
    return readyAtMs;
  },
  toolTimeoutMs: 8_000,
};

/** Cancels runs and sets kill switches, while every attempt is at its point. */
async function meddle(table: Table): Promise<void> {
  await cancelAll(table.playing.filter(({ cell }) => cell.fault.startsWith('cancel')));
  for (const { cell } of table.playing)
    if (cell.fault.startsWith('switch')) await setSwitch(table.lab.sql, change(switchOf(cell)));
}

/** Resolves when the server has noted for every outstanding attempt that it is cancelled. */
async function cancelAll(playing: readonly Playing[]): Promise<void> {
  await Promise.all(playing.map(({ handle }) => handle.signal(cancelSignal, { by: 'operator' })));
  for (const { cell, handle } of playing)
    await until(`the cancellation of ${cell.name}`, async () => {
      const { raw } = await handle.describe();
      return raw.pendingActivities?.some((one) => one.state === CANCEL_REQUESTED);
    });
}

async function finishWithAnother(table: Table): Promise<number> {
  await using next = await startWorkerProcess(table.environment);
  const readyAtMs = Date.now();
  await finish(table);
  next.signal('SIGTERM');
  await next.exited;
  return readyAtMs;
}

async function readEnd(table: Table, { cell, handle }: Playing): Promise<Pick<Ended, 'facts' | 'seen'>> {
  const { run } = await handle.result();
  const facts = await readFacts(
    table.lab.sql,
    run as RunId,
    async (key) => (await accountOf(table, cell, key)).acts,
  );
  const [effect] = facts.effects;
  const asked = facts.approvals
    .filter((approval) => approval.kind === 'reconcile')
    .map(({ state, answer }) => (state === 'answered' ? outcomeOf(answer) : state));
  const last = facts.results.at(-1);
  return {
    facts,
    seen: {
      state: effect?.state ?? 'none',
      fence: effect?.fence ?? 0,
      ...(await accountOf(table, cell, effect?.key ?? '')),
      held: facts.held,
      person: asked.length === 0 ? null : asked.join(', '),
      told: last === undefined ? 'nothing' : toldBy(last.text),
      // An attempt that wakes after its time may first say that it does not know; its last word counts.
      evidence: facts.evidence.filter((kind) => kind !== 'late_unknown'),
      incidents: facts.incidents,
    },
  };
}
