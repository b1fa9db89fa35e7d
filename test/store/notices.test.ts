import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { deliverDue, type NoticeParts, startNotices, tend } from '../../src/notices/loop.ts';
import { readSecrets } from '../../src/notices/signature.ts';
import { createWebhookNotifier } from '../../src/notices/webhook.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { connect } from '../../src/store/connection.ts';
import { claimEffect } from '../../src/store/ledger.ts';
import {
  listDeliveries,
  registerNotifiers,
  remindApprovals,
  settleDelivery,
  takeDeliveries,
} from '../../src/store/notices.ts';
import { insertApprovals } from '../../src/store/records.ts';
import { findApproval } from '../../src/store/views.ts';
import { until } from '../e2e/lab.ts';
import { isSigned, openReceiver, SECRET, status } from '../unit/notices/receiver.ts';
import { openDatabase, type TestDatabase } from './database.ts';
import { decideOne, eventsOf, newRun, noticesOf, opening, openOne, record, recorder } from './noticeParts.ts';

const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  await registerNotifiers(database.sql, ['test']);
});
afterAll(() => database[Symbol.asyncDispose]());

/** A clock that a test moves, ahead of the database's by a minute so that everything written is due. */
function clock() {
  let atMs = Date.now() + 60_000;
  return {
    nowMs: () => atMs,
    pass: (ms: number) => {
      atMs += ms;
    },
  };
}

/** Delivers until nothing is due; bounded. */
async function drain(parts: NoticeParts): Promise<number> {
  let taken = 0;
  for (let pass = 0; pass < 200; pass++) {
    let now = 0;
    for (const notifier of parts.notifiers) now += await deliverDue(parts, notifier, never);
    taken += now;
    if (now === 0) return taken;
  }
  throw new Error('it never came to an end');
}

describe('a notice is written with what it tells of', () => {
  test('opening and closing write one each, and repeats of the activities none', async () => {
    const { sql } = database;
    const { run, id, one } = await openOne(sql);
    await insertApprovals(sql, opening(run, [one]));
    await decideOne(sql, run, id);
    await decideOne(sql, run, id, 'rejected');
    const notices = await noticesOf(sql, run);
    expect(notices.map(({ type }) => type)).toEqual(['approval.opened', 'approval.closed']);
    expect(notices[0]?.data).toEqual({
      approval: id,
      run,
      workflowId: `wf-${run}`,
      agent: 'support',
      kind: 'call',
      summary: 'refund order #W1',
      deadline: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      approvers: { people: ['anna'], roles: ['manager'] },
      requesterMay: 'not',
      quorum: 1,
      state: 'open',
    });
    expect(notices[1]?.data).toMatchObject({ approval: id, state: 'approved', by: 'anna' });
    const bodies = await sql<{ body: string }[]>`select body from notices where run = ${run}`;
    for (const { body } of bodies) {
      expect(body).not.toContain('SECRET');
      expect(Object.keys(JSON.parse(body)).sort()).toEqual(['data', 'timestamp', 'type']);
    }
  });

  test('what is rolled back has told nobody', async () => {
    const run = newRun();
    const broken = [record(run), { ...record(run), id: `${run}/1/1/1`, kind: 'no such kind' }] as never;
    await expect(insertApprovals(database.sql, opening(run, broken))).rejects.toThrow('check constraint');
    expect(await noticesOf(database.sql, run)).toEqual([]);
  });

  test('a request that the claim of its effect closes is told of as well', async () => {
    const { sql } = database;
    const { run, id } = await openOne(sql);
    await claimEffect(
      sql,
      {
        ...opening(run),
        key: record(run).key,
        tool: 'refund_order',
        argsHash: 'hash',
        generation: 1,
        classes: [],
        learned: null,
        terms: null,
        release: 'release',
        approval: { id, decision: { by: 'anna' }, decidedAtMs: Date.now() },
      } as never,
      { mode: 'keyed', leaseMs: HOUR_MS, settlesMs: 0 },
      true,
    );
    expect((await noticesOf(sql, run)).map(({ type, data }) => [type, data.state])).toEqual([
      ['approval.opened', 'open'],
      ['approval.closed', 'approved'],
    ]);
  });

  test('everything of the record is stored, for those who decide', async () => {
    const { run, id } = await openOne(database.sql);
    expect(await findApproval(database.sql, id)).toMatchObject({
      run,
      payee: 'SECRET-PAYEE',
      quote: 'SECRET-QUOTE',
      rule: 'refunds',
      taint: { untrustedSeen: true, privateRead: false },
      requester: 'SECRET-CUSTOMER',
      requesterMay: 'not',
      approvers: { people: ['anna'], roles: ['manager'] },
      terms: { price: 'SECRET-TERMS' },
      formerTerms: { price: 'SECRET-FORMER' },
      onExpiry: 'reject',
    });
  });
});

describe('reminders and escalation', () => {
  test('are told, audited, and change who may decide; a repeated activity changes nothing', async () => {
    const { sql } = database;
    const { run, id } = await openOne(sql);
    const approvers = { people: ['anna'], roles: ['manager', 'director'] };
    const input = {
      ...opening(run),
      due: [{ approval: id, reminded: true, escalatedTo: { roles: ['director'] }, approvers }],
    };
    await remindApprovals(sql, input, 'execution/7');
    await remindApprovals(sql, input, 'execution/7');
    expect((await findApproval(sql, id))?.approvers).toEqual(approvers);
    const notices = await noticesOf(sql, run);
    expect(notices.map(({ type }) => type).sort()).toEqual([
      'approval.escalated',
      'approval.opened',
      'approval.reminder',
    ]);
    expect(notices.find(({ type }) => type === 'approval.escalated')?.data).toMatchObject({
      approvers,
      escalatedTo: { roles: ['director'] },
      state: 'open',
    });
    expect(await eventsOf(sql, run)).toEqual(['approval_opened', 'approval_escalated', 'approval_reminded']);
    expect(firstBrokenRow(run, await readAudit(sql, run))).toBeNull();
    // The next one is another activity, and is told.
    await remindApprovals(
      sql,
      { ...input, due: input.due.map((one) => ({ ...one, escalatedTo: null })) },
      'execution/9',
    );
    expect(await noticesOf(sql, run)).toHaveLength(4);
  });

  test('say nothing about a request that has been closed, or of another run', async () => {
    const { sql } = database;
    const { run, id } = await openOne(sql);
    const due = [{ approval: id, reminded: true, escalatedTo: null, approvers: {} }];
    await remindApprovals(sql, { ...opening(newRun()), due }, 'execution/1');
    await decideOne(sql, run, id);
    await remindApprovals(sql, { ...opening(run), due }, 'execution/2');
    expect((await noticesOf(sql, run)).map(({ type }) => type)).toEqual([
      'approval.opened',
      'approval.closed',
    ]);
    expect((await findApproval(sql, id))?.approvers).toEqual({ people: ['anna'], roles: ['manager'] });
  });
});

describe('deliveries', () => {
  test('P12 a notifier that is down for an hour loses nothing and delays no decision made elsewhere', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    await using receiver = await openReceiver(status(503));
    const { nowMs, pass } = clock();
    const keys = readSecrets(SECRET) as readonly Buffer[];
    const webhook = createWebhookNotifier({ endpoint: receiver.endpoint, keys, nowMs });
    const log = recorder('log');
    const parts = { sql, notifiers: [webhook, log], nowMs };
    await tend(parts);

    const runs: string[] = [];
    const downMs = HOUR_MS;
    for (let minute = 0; minute < downMs / 60_000; minute++) {
      if (minute % 3 === 0) {
        const { run, id } = await openOne(sql);
        // Decided at once, whatever becomes of the notices: the row says so before anything was delivered.
        await decideOne(sql, run, id);
        expect((await findApproval(sql, id))?.state).toBe('approved');
        runs.push(run);
      }
      await deliverDue(parts, log, never);
      await deliverDue(parts, webhook, never);
      pass(60_000);
    }
    const failed = receiver.received.length;
    expect(failed).toBeGreaterThan(runs.length * 2);
    expect(await sql`select from deliveries where notifier = 'webhook' and state = 'delivered'`).toHaveLength(
      0,
    );
    // The other notifier had everything in the same minute.
    expect(log.given).toHaveLength(runs.length * 2);

    receiver.answer = status(204);
    pass(LIMITS.noticeBackoffMaxMs);
    await drain(parts);
    const arrived = receiver.received.slice(failed);
    expect(arrived).toHaveLength(runs.length * 2);
    expect(new Set(arrived.map(({ headers }) => headers['webhook-id'])).size).toBe(arrived.length);
    expect(arrived.every((one) => isSigned(one, SECRET))).toBe(true);
    const told = arrived.map(({ body }) => JSON.parse(body) as { type: string; data: { run: string } });
    for (const run of runs)
      expect(
        told
          .filter(({ data }) => data.run === run)
          .map(({ type }) => type)
          .sort(),
      ).toEqual(['approval.closed', 'approval.opened']);
    expect(await listDeliveries(sql, { all: false, limit: 100 })).toEqual([]);
    // Vacuous if nothing had been tried in vain: every delivered one has attempts that failed before.
    const [least] = await sql<{ least: number }[]>`
      select min(attempt) as least from deliveries where notifier = 'webhook'`;
    expect(least?.least).toBeGreaterThan(1);
  });

  test('P12 a notifier that hangs holds up no decision, and no other notifier', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const hanging = recorder('hanging');
    let release: (value: { kind: 'delivered' }) => void = () => undefined;
    hanging.answer = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const log = recorder('log');
    const notices = await startNotices({ sql, notifiers: [hanging, log] });
    try {
      const { run, id } = await openOne(sql);
      await until('the hanging attempt', async () => hanging.given.length === 1);
      await decideOne(sql, run, id);
      expect((await findApproval(sql, id))?.state).toBe('approved');
      await until('the other notifier', async () => log.given.length === 2);
      expect(hanging.given).toHaveLength(1);
    } finally {
      hanging.answer = () => ({ kind: 'delivered' });
      release({ kind: 'delivered' });
      await notices.stop();
    }
  });

  test('each is handed over once for every success, with ten loops on one table', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    await registerNotifiers(sql, ['test']);
    const pools = Array.from({ length: 5 }, () => connect(own.url, { maxConnections: 2 }));
    try {
      for (let i = 0; i < 60; i++) await openOne(sql);
      const notifiers = Array.from({ length: 10 }, () => recorder());
      const { nowMs } = clock();
      await Promise.all(
        notifiers.map((notifier, i) =>
          drain({ sql: pools[i % pools.length] ?? sql, notifiers: [notifier], nowMs }),
        ),
      );
      const ids = notifiers.flatMap(({ given }) => given.map(({ id }) => id));
      expect(ids).toHaveLength(60);
      expect(new Set(ids).size).toBe(60);
      // Vacuous if one of them did all the work.
      expect(notifiers.filter(({ given }) => given.length > 0).length).toBeGreaterThan(1);
      expect(await sql`select from deliveries where state <> 'delivered' or attempt <> 1`).toHaveLength(0);
    } finally {
      await Promise.all(pools.map((pool) => pool.end({ timeoutMs: 5_000 })));
    }
  });

  test('a worker that dies between send and mark is followed by one that sends the same id and bytes', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const { nowMs, pass } = clock();
    const notifier = recorder();
    await registerNotifiers(sql, ['test'], nowMs());
    await openOne(sql);
    const take = () =>
      takeDeliveries(sql, 'test', { limit: 10, leaseMs: LIMITS.noticeLeaseMs, now: nowMs() });
    const [lost] = await take();
    if (lost === undefined) throw new Error('nothing was due');
    await notifier.deliver(lost.notice, never);
    // It dies here. While its lease runs, nobody takes it over.
    pass(LIMITS.noticeLeaseMs - 1);
    expect(await take()).toEqual([]);
    pass(1);
    await drain({ sql, notifiers: [notifier], nowMs });
    expect(notifier.given.map(({ id, body }) => [id, body])).toEqual([
      [lost.notice.id, lost.notice.body],
      [lost.notice.id, lost.notice.body],
    ]);
    // The dead one's word, should it come after all, changes nothing.
    expect(await settleDelivery(sql, lost, { kind: 'given_up', why: 'late' }, nowMs())).toBe(false);
    expect(await sql`select state, attempt from deliveries`).toEqual([{ state: 'delivered', attempt: 2 }]);
  });

  test('an attempt that was overtaken may say that it delivered, but not that it failed', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    await registerNotifiers(sql, ['test']);
    await openOne(sql);
    const { nowMs, pass } = clock();
    const take = () => takeDeliveries(sql, 'test', { limit: 10, leaseMs: 1_000, now: nowMs() });
    const [first] = await take();
    pass(1_000);
    const [second] = await take();
    if (first === undefined || second === undefined) throw new Error('nothing was due');
    expect(second.triedForMs).toBe(1_000);
    const failed = { kind: 'waiting', why: 'late', waitMs: 1 } as const;
    expect(await settleDelivery(sql, first, failed, nowMs())).toBe(false);
    expect(await settleDelivery(sql, first, { kind: 'refused', why: 'late' }, nowMs())).toBe(false);
    expect(await settleDelivery(sql, first, { kind: 'delivered' }, nowMs())).toBe(true);
    expect(await settleDelivery(sql, second, failed, nowMs())).toBe(false);
    expect(await sql`select state from deliveries`).toEqual([{ state: 'delivered' }]);
  });

  test('after three days it is given up, reported, and listed with its last words', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const { nowMs, pass } = clock();
    const notifier = recorder();
    notifier.answer = () => ({ kind: 'retry', why: 'answered 503' });
    const reports: string[] = [];
    const parts: NoticeParts = { sql, notifiers: [notifier], nowMs, report: (words) => reports.push(words) };
    await tend(parts);
    const { run } = await openOne(sql);
    for (let hour = 0; hour < 80; hour++) {
      await deliverDue(parts, notifier, never);
      pass(HOUR_MS);
    }
    expect(notifier.given.length).toBeGreaterThan(60);
    expect(notifier.given.length).toBeLessThan(75);
    expect(await listDeliveries(sql, { all: false, limit: 10 })).toMatchObject([
      { run, type: 'approval.opened', notifier: 'test', state: 'given_up', why: 'answered 503', dueAt: null },
    ]);
    expect(reports).toEqual([expect.stringContaining('did not reach test: given_up, answered 503')]);
  });

  test('one that is refused is never sent again; one that throws is tried again', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const { nowMs, pass } = clock();
    const notifier = recorder();
    const parts = { sql, notifiers: [notifier], nowMs };
    await tend(parts);
    const { run, id } = await openOne(sql);
    notifier.answer = () => {
      throw new RangeError('a bug');
    };
    await drain(parts);
    expect(await noticesOf(sql, run)).toMatchObject([
      { state: 'waiting', attempt: 1, why: 'the notifier failed (RangeError)' },
    ]);
    notifier.answer = () => ({ kind: 'refused', why: 'answered 410' });
    pass(HOUR_MS);
    await drain(parts);
    pass(24 * HOUR_MS);
    expect(await drain(parts)).toBe(0);
    expect(await noticesOf(sql, run)).toMatchObject([{ state: 'refused', attempt: 2, why: 'answered 410' }]);
    // Only this notice: the next one is delivered.
    notifier.answer = () => ({ kind: 'delivered' });
    await decideOne(sql, run, id);
    await drain(parts);
    expect((await noticesOf(sql, run)).map(({ state }) => state)).toEqual(['refused', 'delivered']);
  });

  test('no batch is larger than its limit', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const { nowMs } = clock();
    let under = 0;
    let most = 0;
    const notifier = recorder();
    notifier.answer = async () => {
      most = Math.max(most, ++under);
      await Promise.resolve();
      under--;
      return { kind: 'delivered' };
    };
    const parts = { sql, notifiers: [notifier], nowMs };
    await tend(parts);
    for (let i = 0; i < LIMITS.noticeBatch * 2 + 1; i++) await openOne(sql);
    expect(await deliverDue(parts, notifier, never)).toBe(LIMITS.noticeBatch);
    expect(await drain(parts)).toBe(LIMITS.noticeBatch + 1);
    expect(most).toBeLessThanOrEqual(LIMITS.noticeBatch);
  });
});

describe('the loop of a worker', () => {
  test('delivers by itself, stops cleanly, and gives back what it held when it was cut off', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const notifier = recorder();
    const first = await startNotices({ sql, notifiers: [notifier] });
    await openOne(sql);
    await until('the delivery', async () => notifier.given.length === 1);
    await first.stop();
    const { run } = await openOne(sql);
    expect(notifier.given).toHaveLength(1);
    expect(await noticesOf(sql, run)).toMatchObject([{ state: 'waiting', attempt: 0 }]);
    const second = await startNotices({ sql, notifiers: [notifier] });
    await until('what waited', async () => notifier.given.length === 2);
    await second.stop();
  });

  test('a cut attempt is due again at once, for whoever comes', async () => {
    const { sql } = database;
    const { run } = await openOne(sql);
    const cut = new AbortController();
    const notifier = recorder();
    notifier.answer = () => {
      cut.abort();
      return { kind: 'retry', why: 'it was stopped' };
    };
    const { nowMs } = clock();
    const parts = { sql, notifiers: [notifier], nowMs };
    while ((await noticesOf(sql, run))[0]?.attempt === 0) await deliverDue(parts, notifier, cut.signal);
    expect(await noticesOf(sql, run)).toMatchObject([{ state: 'waiting', why: 'the worker was stopped' }]);
    notifier.answer = () => ({ kind: 'delivered' });
    await drain(parts);
    expect(await noticesOf(sql, run)).toMatchObject([{ state: 'delivered', attempt: 2 }]);
  });

  test('a store that is away is reported once, and the loop goes on when it is back', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const notifier = recorder();
    const reports: string[] = [];
    const notices = await startNotices({
      sql,
      notifiers: [notifier],
      report: (words) => reports.push(words),
    });
    try {
      await sql`alter table deliveries rename to gone`;
      await until('the report', async () => reports.length > 0);
      await sql`alter table gone rename to deliveries`;
      await openOne(sql);
      await until('the delivery', async () => notifier.given.length === 1);
      expect(reports).toEqual([expect.stringContaining('notices wait')]);
    } finally {
      await notices.stop();
    }
  });
});

describe('nothing grows for ever', () => {
  test('a notifier that is gone is forgotten with what only it could deliver; old notices are deleted', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const { nowMs, pass } = clock();
    const here = recorder('here');
    const parts = { sql, notifiers: [here], nowMs };
    await registerNotifiers(sql, ['gone'], nowMs());
    await tend(parts);
    const { run } = await openOne(sql);
    pass(LIMITS.notifierGoneMs - 1);
    await tend(parts);
    expect((await noticesOf(sql, run, 'gone'))[0]?.state).toBe('waiting');
    pass(1);
    await tend(parts);
    expect(await noticesOf(sql, run, 'gone')).toMatchObject([
      { state: 'given_up', why: 'no worker has this notifier any more' },
    ]);
    // Nobody has delivered the other one yet, so the notice stays, however old it is.
    pass(LIMITS.noticeKeptMs);
    await tend(parts);
    expect(await noticesOf(sql, run, 'here')).toMatchObject([{ state: 'waiting' }]);
    await drain(parts);
    await tend(parts);
    expect(await sql`select from notices where run = ${run}`).toHaveLength(0);
    expect(await sql`select from deliveries`).toHaveLength(0);
  });
});
