import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { acceptHandOver, findHandOver, listHandOvers, remindHandOvers } from '../../src/store/handovers.ts';
import { readRun } from '../../src/store/runView.ts';
import { findRun } from '../../src/store/views.ts';
import { openDatabase, type TestDatabase } from './database.ts';
import { eventsOf, handOverOne, newRun, noticesOf } from './noticeParts.ts';

const ANNA = { by: 'anna', channel: 'cli' };
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
});
afterAll(() => database[Symbol.asyncDispose]());

describe('a hand-over is accepted by somebody', () => {
  test('with an audit row and a notice, and the run tells who', async () => {
    const { sql } = database;
    const run = await handOverOne(sql);
    expect(await findHandOver(sql, `wf-${run}`)).toMatchObject({ run, queue: 'desk', acceptedBy: null });
    expect(await acceptHandOver(sql, run, ANNA)).toMatchObject({ won: true, by: 'anna' });
    expect(await eventsOf(sql, run)).toEqual(['run_ended', 'handover_accepted']);
    expect(firstBrokenRow(run, await readAudit(sql, run))).toBeNull();
    expect((await noticesOf(sql, run)).map(({ type, data }) => [type, data])).toEqual([
      [
        'handover.opened',
        {
          run,
          workflowId: `wf-${run}`,
          agent: 'support',
          queue: 'desk',
          summary: 'wants a person',
          reminded: 0,
          escalatedTo: null,
          acceptedBy: null,
        },
      ],
      ['handover.accepted', expect.objectContaining({ run, acceptedBy: 'anna' })],
    ]);
    const found = await findRun(sql, run);
    if (found === null) throw new Error('no run');
    expect((await readRun(sql, found.row)).handOver).toMatchObject({
      acceptedBy: 'anna',
      acceptedAt: expect.stringContaining('T'),
      overdue: false,
    });
  });

  test('of twenty who take it at once one has it, and the others are told who', async () => {
    const { sql } = database;
    const run = await handOverOne(sql);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => acceptHandOver(sql, run, { by: `person ${i}`, channel: 'cli' })),
    );
    const winner = answers.find((one) => one?.won);
    expect(answers.filter((one) => one?.won)).toHaveLength(1);
    expect(new Set(answers.map((one) => one?.by))).toEqual(new Set([winner?.by]));
    expect((await eventsOf(sql, run)).filter((event) => event === 'handover_accepted')).toHaveLength(1);
    expect(await noticesOf(sql, run)).toHaveLength(2);
  });

  test('a run that was not handed over cannot be accepted, and leaves no trace', async () => {
    const run = newRun();
    expect(await acceptHandOver(database.sql, run, ANNA)).toBeNull();
    expect(await eventsOf(database.sql, run)).toEqual([]);
    expect(await findHandOver(database.sql, run)).toBeNull();
  });

  test('the list has the open ones, the oldest first', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const [a, b, c] = [await handOverOne(sql), await handOverOne(sql), await handOverOne(sql)];
    await acceptHandOver(sql, b, ANNA);
    const runsOf = async (all: boolean) =>
      (await listHandOvers(sql, { all, limit: 10 })).map(({ run }) => run);
    expect(await runsOf(false)).toEqual([a, c]);
    expect(await runsOf(true)).toEqual([c, b, a]);
  });
});

describe('a hand-over that nobody accepts', () => {
  test('reminds every half hour, goes to one further queue, reminds daily for a week, then stays as overdue', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const run = await handOverOne(sql);
    const startMs = Date.now();
    const happened: (readonly [string, number])[] = [];
    let seen = 1;
    // Ten days, looked at every ten minutes, as a worker would each minute.
    for (let atMs = startMs; atMs < startMs + 10 * DAY_MS; atMs += 10 * MINUTE_MS) {
      await remindHandOvers(sql, atMs + MINUTE_MS);
      const notices = await noticesOf(sql, run);
      for (const { type } of notices.slice(seen))
        happened.push([type, Math.floor((atMs - startMs) / MINUTE_MS)]);
      seen = notices.length;
    }
    const reminders = happened.filter(([type]) => type === 'handover.reminder').map(([, minute]) => minute);
    const escalated = happened.filter(([type]) => type === 'handover.escalated').map(([, minute]) => minute);
    expect(reminders.slice(0, 4)).toEqual([30, 60, 90, 120]);
    expect(escalated).toEqual([150]);
    expect(reminders.slice(4)).toEqual([1, 2, 3, 4, 5, 6, 7].map((day) => 150 + day * 24 * 60));
    expect(await listHandOvers(sql, { all: false, limit: 10 })).toMatchObject([
      { run, queue: 'desk', escalatedTo: 'desk-escalation', overdue: true, reminded: 11 },
    ]);
    const events = await eventsOf(sql, run);
    expect(events.filter((event) => event === 'handover_reminded')).toHaveLength(11);
    expect(events.filter((event) => event === 'handover_escalated')).toHaveLength(1);
    expect(firstBrokenRow(run, await readAudit(sql, run))).toBeNull();
    // Late is better than never.
    expect(await acceptHandOver(sql, run, ANNA)).toMatchObject({ won: true });
    expect(await listHandOvers(sql, { all: false, limit: 10 })).toEqual([]);
  });

  test('several workers remind once; missed times are one reminder; what was accepted is left alone', async () => {
    await using own = await openDatabase(inject('databaseUrl'));
    const { sql } = own;
    const [waits, taken] = [await handOverOne(sql), await handOverOne(sql)];
    await acceptHandOver(sql, taken, ANNA);
    const atMs = Date.now() + LIMITS.handOverReminderMs * 3 + MINUTE_MS;
    const counts = await Promise.all(Array.from({ length: 10 }, () => remindHandOvers(sql, atMs)));
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(1);
    expect((await noticesOf(sql, waits)).map(({ type }) => type)).toEqual([
      'handover.opened',
      'handover.reminder',
    ]);
    expect((await noticesOf(sql, taken)).map(({ type }) => type)).toEqual([
      'handover.opened',
      'handover.accepted',
    ]);
    expect(await remindHandOvers(sql, atMs + LIMITS.handOverReminderMs - 1)).toBe(0);
    expect(await remindHandOvers(sql, atMs + LIMITS.handOverReminderMs)).toBe(1);
  });
});
