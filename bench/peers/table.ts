import { basename, extname } from 'node:path';
import { type ScriptedModel, startScriptedModel } from '../../src/models/scripted/server.ts';
import type { StackAddresses } from '../../src/stack/stack.ts';
import { openPayments, type Payments } from '../../test/chaos/payments.ts';
import type { TestDatabase } from '../../test/store/database.ts';
import type { Contender } from './contenders.ts';
import { type Peer, startPeer } from './process.ts';

/** What all contenders sit around: one model, one payment service, one stack. */
export interface Table extends AsyncDisposable {
  readonly stack: StackAddresses;
  readonly model: ScriptedModel;
  readonly payments: Payments;
  /** An id that nobody at this table has had: it names a conversation, its run and its script. */
  newId(contender: Contender): string;
}

export async function openTable(stack: StackAddresses): Promise<Table> {
  const model = await startScriptedModel({ conversations: [] });
  const payments = await openPayments();
  let ids = 0;
  return {
    stack,
    model,
    payments,
    newId: ({ program }) => `${basename(program, extname(program))}-${process.pid}-${ids++}`,
    [Symbol.asyncDispose]: async () => {
      await payments[Symbol.asyncDispose]();
      await model.stop();
    },
  };
}

export async function seat(
  table: Table,
  contender: Contender,
  database: Pick<TestDatabase, 'name' | 'url'>,
  more: Readonly<Record<string, string>> = {},
): Promise<Peer> {
  const { stack, model, payments } = table;
  return startPeer(contender, {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: stack.temporalAddress,
    TASK_QUEUE: database.name,
    MODEL_URL: model.url,
    PAYMENTS_URL: payments.url,
    // The same for Holdfast, by its own names.
    HOLDFAST_MODEL_URL: model.url,
    HOLDFAST_TASK_QUEUE: database.name,
    HOLDFAST_NOTICES: 'off',
    HOLDFAST_GOVERNOR: 'off',
    ...more,
  });
}
