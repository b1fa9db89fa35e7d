import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import type { RunId } from '../../src/core/ids.ts';
import type { Conversation } from '../../src/models/scripted/conversation.ts';
import { approvalsQuery, decideSignal } from '../../src/workflows/messages.ts';
import { type Lab, openLab, until } from '../e2e/lab.ts';
import { broken, type Facts, readFacts } from './facts.ts';

const OPENING = 'Please return the mug of order #W7000101 and the rest of it, to my credit card.';

const RETURN: Conversation = {
  id: 'return',
  opening: OPENING,
  steps: [
    {
      says: {
        calls: [
          {
            name: 'return_delivered_order_items',
            input: {
              order_id: '#W7000101',
              item_ids: ['3300102', '3300303', '3300901'],
              payment_method_id: 'credit_card_2041177',
            },
          },
        ],
      },
    },
    {
      sees: {
        results: [{ tool: 'return_delivered_order_items', isError: false, contains: 'return requested' }],
      },
      says: { text: 'It is on its way back.' },
    },
  ],
};

/** Where the worker dies, and how many attempts hold a lease in the end. */
const POINTS = [
  ['effect:before-claim', 1],
  ['effect:after-claim', 2],
  ['effect:after-act', 2],
  ['effect:before-settle', 2],
  ['effect:after-settle', 1],
] as const;

describe('kill -9 around an effect', () => {
  test('at none of the five points is the return doubled or lost', { timeout: 120_000 }, async () => {
    const ends = await Promise.all(POINTS.map(([point]) => loseWorkerAt(point)));
    for (const [i, { facts, outcome }] of ends.entries()) {
      const [point, fence] = POINTS[i] ?? [];
      expect(outcome, point).toBe('completed');
      expect(broken(facts, { effects: 1 }), point).toEqual([]);
      expect(facts.effects[0]?.fence, point).toBe(fence);
      expect(facts.approvals, point).toHaveLength(1);
    }
  });

  test('the checker catches a doubled, a lost, an unapproved and an unanswered effect', () => {
    const effect = { key: 'r/1/0', state: 'applied', fence: 1, approval: 'r/1/0/1', args_hash: 'h' };
    const approval = {
      id: 'r/1/0/1',
      key: 'r/1/0',
      state: 'approved',
      args_hash: 'h',
      requester: 'customer',
      decided_by: 'boss',
      in_time: true,
    };
    const good: Facts = {
      effects: [effect],
      approvals: [approval],
      calls: ['a'],
      results: ['a'],
      shopKeys: ['r/1/0'],
      brokenAuditRow: null,
      incidents: 0,
    };
    expect(broken(good, { effects: 1 })).toEqual([]);
    const faults: readonly [Partial<Facts>, string][] = [
      [{ effects: [effect, { ...effect, key: 'r/1/1' }], shopKeys: ['r/1/0', 'r/1/1'] }, 'V1'],
      [{ shopKeys: ['r/1/0', 'r/1/0'] }, 'V1'],
      [{ effects: [] }, 'vacuous'],
      [{ approvals: [{ ...approval, state: 'open' }] }, 'V2'],
      [{ approvals: [{ ...approval, args_hash: 'other' }] }, 'V2'],
      [{ approvals: [{ ...approval, decided_by: 'customer' }] }, 'V2'],
      [{ approvals: [{ ...approval, in_time: false }] }, 'V2'],
      [{ results: [] }, 'V3'],
      [{ results: ['a', 'a'] }, 'V3'],
      [{ brokenAuditRow: 3 }, 'V8'],
      [{ incidents: 1 }, 'incidents'],
    ];
    for (const [fault, name] of faults)
      expect(broken({ ...good, ...fault }, { effects: 1 }).join(), name).toContain(name);
  });
});

async function loseWorkerAt(point: string): Promise<{ readonly facts: Facts; readonly outcome: string }> {
  await using lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [],
    conversations: [RETURN],
    worker: false,
  });
  const doomed = await startWorkerProcess(lab, point);
  const handle = await lab.start({
    agent: 'support',
    message: OPENING,
    once: true,
    requester: { id: 'mara' },
  });
  const [record] = await until('the approval', async () => {
    const records = await handle.query(approvalsQuery).catch(() => []);
    return records.length > 0 && records;
  });
  await handle.signal(decideSignal, {
    approval: record?.id ?? '',
    kind: 'approve',
    by: 'boss',
    channel: 'test',
  });
  await exited(doomed);
  const next = await startWorkerProcess(lab, null);
  const result = await handle.result();
  const facts = await readFacts(lab.sql, result.run as RunId);
  next.kill('SIGTERM');
  await exited(next);
  return { facts, outcome: result.outcome };
}

async function startWorkerProcess(lab: Lab, crashAt: string | null): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...lab.environment, ...(crashAt !== null && { CRASH_AT: crashAt }) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before it was ready`)));
  });
  return child;
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}
