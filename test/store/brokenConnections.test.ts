import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { answeredBy } from '../../src/store/asking.ts';
import { connect, onStore } from '../../src/store/connection.ts';
import { type Link, openProxy } from '../chaos/proxy.ts';

// Connections that break: cut off, or with another end that is gone without a word (no FIN, no RST, and keep-alives are
// answered by what is between).

const SILENT_MS = 400;
let proxy: Link;
let url: string;
beforeAll(async () => {
  const at = new URL(inject('databaseUrl'));
  proxy = await openProxy({ host: at.hostname, port: Number(at.port), seed: 1 });
  at.hostname = '127.0.0.1';
  at.port = String(proxy.port);
  url = at.href;
});
beforeEach(() => proxy.heal());
afterAll(() => proxy?.[Symbol.asyncDispose]());

const open = () => connect(url, { maxConnections: 2, silentMs: SILENT_MS });

test('whoever waits on a dead connection is told that the store is away, and the pool works again', async () => {
  const sql = open();
  try {
    await Promise.all([sql`select 1`, sql`select 2`]);
    proxy.set({ kind: 'silent' });
    const waiting = [1, 2].map((n) => onStore(() => sql`select ${n}::int as n`));
    proxy.heal('dead');
    const settled = await Promise.allSettled(waiting);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    for (const one of settled)
      expect(one.status === 'rejected' && one.reason).toMatchObject({
        failure: { code: 'store_unavailable' },
      });
    expect(await sql`select 3::int as n`).toEqual([{ n: 3 }]);
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});

test('a silent store is told by the time that was given, whatever is asked of it, and what was asked is still done', async () => {
  const sql = connect(url, { maxConnections: 1 });
  try {
    await sql`create temporary table done_late (n integer)`;
    proxy.set({ kind: 'silent' });
    const by = () => performance.now() + 100;
    const unanswered = { failure: { code: 'store_unavailable' } };
    const transaction = answeredBy(by(), () => sql.begin((tx) => tx`insert into done_late values (1)`));
    await expect(transaction).rejects.toMatchObject(unanswered);
    // The only connection is taken: this one waits for it.
    await expect(answeredBy(by(), () => sql`select 1`)).rejects.toMatchObject(unanswered);
    proxy.heal();
    await expect.poll(() => sql`select n from done_late`).toEqual([{ n: 1 }]);
    expect(await answeredBy(by(), async () => (await sql`select 2::int as n`)[0])).toEqual({ n: 2 });
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});

test('a transaction on a dead connection ends with it', async () => {
  const sql = open();
  try {
    await sql`create temporary table if not exists nothing (n integer)`;
    const work = sql.begin(async (tx) => {
      await tx`select 1`;
      proxy.set({ kind: 'silent' });
      proxy.heal('dead');
      await tx`select 2`;
    });
    await expect(work).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(await sql`select 3::int as n`).toEqual([{ n: 3 }]);
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});

test('a connection that is asked now and then stays, and one that listens may be silent', async () => {
  const sql = open();
  try {
    const heard: string[] = [];
    await sql.listen('silence', (payload) => heard.push(payload));
    const before = proxy.connections.all;
    const until = performance.now() + SILENT_MS * 3;
    while (performance.now() < until) await sql`select pg_sleep(${SILENT_MS / 4_000})`;
    await sql`select pg_notify('silence', 'still there')`;
    await expect.poll(() => heard).toEqual(['still there']);
    expect(proxy.connections.all - before).toBeLessThanOrEqual(2);
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});

test('a database that refuses is said to be away, and is found again', async () => {
  const sql = open();
  try {
    proxy.set({ kind: 'refusing' });
    await expect(onStore(() => sql`select 1`)).rejects.toMatchObject({
      failure: { code: 'store_unavailable' },
    });
    proxy.heal();
    expect(await sql`select 3::int as n`).toEqual([{ n: 3 }]);
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});

test('a server that has become read-only is left, and the next statement goes to whoever its name leads to then', async () => {
  const sql = connect(inject('databaseUrl'), { maxConnections: 1 });
  try {
    // As an old primary is after a failover: the connection stands, and takes no change any more.
    const [before] = await sql<{ pid: number }[]>`
      select pg_backend_pid() as pid, set_config('default_transaction_read_only', 'on', false)`;
    await expect(onStore(() => sql`create table never (n integer)`)).rejects.toMatchObject({
      failure: { code: 'store_unavailable' },
    });
    const [after] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    expect(after?.pid).not.toBe(before?.pid);
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});

test("the server's own time-out for statements is an outage", async () => {
  const sql = connect(inject('databaseUrl'), { maxConnections: 1 });
  try {
    await sql`select set_config('statement_timeout', '50', false)`;
    await expect(onStore(() => sql`select pg_sleep(5)`)).rejects.toMatchObject({
      failure: { code: 'store_unavailable', message: expect.stringContaining('57014') },
    });
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});

const cut = () => {
  proxy.set({ kind: 'refusing' });
  proxy.heal();
};

/** What was asked of a broken connection is never answered with nothing, as if it had been done. */
test('a statement that is sent the moment another one fails gets its own answer or is refused', async () => {
  const sql = open();
  await using watch = {
    sql: connect(inject('databaseUrl'), { maxConnections: 1 }),
    [Symbol.asyncDispose]() {
      return this.sql.end();
    },
  };
  const sleeping = async () =>
    (await watch.sql`select from pg_stat_activity where state = 'active' and query = 'select pg_sleep(10)'`)
      .length;
  const ask = (n: number) => sql<{ n: number }[]>`select ${n}::int as n`.then(([...rows]) => rows);
  try {
    // The first connection is idle when both are cut, the second is at work.
    const idle = ask(1);
    const atWork = sql`select pg_sleep(10)`.then(
      () => [],
      () => ask(2),
    );
    await idle;
    await expect.poll(sleeping).toBe(1);
    cut();
    const second = atWork.catch((error: unknown) => onStore(() => Promise.reject(error)));
    const [settled] = await Promise.allSettled([second]);
    for (const n of [3, 4, 5]) expect(await ask(n)).toEqual([{ n }]);
    if (settled.status === 'fulfilled') expect(settled.value).toEqual([{ n: 2 }]);
    else expect(settled.reason).toMatchObject({ failure: { code: 'store_unavailable' } });
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});
