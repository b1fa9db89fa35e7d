import { expect, inject, test } from 'vitest';
import { agent } from '../../src/agents/support/index.ts';
import { explainCall, type ShownExplanation } from '../../src/commands/policy.ts';
import type { Session } from '../../src/commands/session.ts';
import { createTerminal } from '../../src/commands/terminal.ts';
import { databaseOf } from '../../src/store/database.ts';
import { openDatabase } from './database.ts';

test('policy explain judges the shipped agent by the amounts that stand in the store, and changes nothing', async () => {
  await using database = await openDatabase(inject('databaseUrl'), { migrated: false });
  const { sql } = database;
  await agent.setup({ database: databaseOf(sql) });
  const rows = () => sql`select md5(string_agg(body::text, '' order by id)) from shop.orders`;
  const before = await rows();
  const explained = async (orderId: string): Promise<ShownExplanation> => {
    let out = '';
    const sink = {
      write: (text: string) => {
        out += text;
      },
    };
    const session: Session = {
      terminal: createTerminal({ json: true, stdout: sink, stderr: sink, environment: {} }),
      store: (work) => work(sql),
      temporal: () => Promise.reject(new Error('not needed')),
    };
    const input = { order_id: orderId, reason: 'no longer needed' };
    await explainCall(session, agent, 'cancel_pending_order', input, { requester: 'somebody', at: 0 });
    return JSON.parse(out) as ShownExplanation;
  };
  // Paid once, so that what a cancellation is worth is what was paid.
  const pending = await sql<{ id: string; total: number }[]>`
    select id, (body -> 'payment_history' -> 0 ->> 'amount')::float8 total from shop.orders
    where body ->> 'status' = 'pending' and jsonb_array_length(body -> 'payment_history') = 1 order by id`;
  expect(pending.length).toBeGreaterThan(5);
  const rules = new Set<string>();
  for (const { id, total } of pending) {
    const found = await explained(id);
    expect(found.unknown).toEqual([]);
    expect(found.facts.amount?.value).toBeCloseTo(total, 6);
    expect(found.rule).toBe(total < 25 ? 'small-order-change' : 'large-order-change');
    rules.add(found.rule);
  }
  expect(rules.size).toBe(2);
  expect((await explained('#W0')).rule).toBe('order-change-without-amount');
  expect(await rows()).toEqual(before);
});
