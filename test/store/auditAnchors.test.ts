import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { newestAnchor, startAnchors, writeAnchor } from '../../src/store/anchors.ts';
import { connect, type Sql } from '../../src/store/connection.ts';
import { verifyAudit } from '../../src/store/integrity.ts';
import { append } from './auditRows.ts';
import { openDatabase, type TestDatabase } from './database.ts';

/** Longer than anything: all anchors of a test fall into one period. */
const AGES_MS = 1e12;

let database: TestDatabase;
let sql: Sql;
beforeEach(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
});
afterEach(() => database[Symbol.asyncDispose]());

async function seen(): Promise<readonly string[]> {
  const rows = await sql<{ word: string }[]>`
    select anchor || ' ' || run || ' ' || seq as word from anchored_heads order by anchor, run`;
  return rows.map((row) => row.word);
}

describe('an anchor', () => {
  test('speaks of chains that moved since the one before it, and of no others', async () => {
    await append(sql, 'ra', 'one');
    await append(sql, 'rb', 'one');
    await append(sql, 'rb', 'two');
    expect(await writeAnchor(sql, 0)).toMatchObject({ n: 1, heads: 2 });
    await append(sql, 'ra', 'two');
    expect(await writeAnchor(sql, 0)).toMatchObject({ n: 2, heads: 1 });
    expect(await seen()).toEqual(['1 ra 1', '1 rb 2', '2 ra 2']);
    expect(await verifyAudit(sql)).toMatchObject({ anchors: 2, faultCount: 0, unanchored: { rows: 0 } });
  });

  test('is not written while nothing moves', async () => {
    expect(await writeAnchor(sql, 0)).toBeNull();
    expect(await newestAnchor(sql)).toBeNull();
    await append(sql, 'ra', 'one');
    const first = await writeAnchor(sql, 0);
    expect(await writeAnchor(sql, 0)).toBeNull();
    expect(await newestAnchor(sql)).toEqual(first);
  });

  test('is one a period, however much moves', async () => {
    await append(sql, 'ra', 'one');
    expect(await writeAnchor(sql, AGES_MS)).toMatchObject({ n: 1 });
    await append(sql, 'ra', 'two');
    expect(await writeAnchor(sql, AGES_MS)).toBeNull();
    expect(await verifyAudit(sql)).toMatchObject({ unanchored: { rows: 1, oldestUs: expect.any(Number) } });
    expect(await writeAnchor(sql, 0)).toMatchObject({ n: 2 });
  });

  test('is one, when many workers try at the same time', async () => {
    for (let i = 0; i < 20; i++) await append(sql, `r${i}`, 'one');
    const anchors = await Promise.all(Array.from({ length: 16 }, () => writeAnchor(sql, 0)));
    expect(anchors.filter((anchor) => anchor !== null)).toMatchObject([{ n: 1, heads: 20 }]);
  });

  test('stays whole while chains move and many workers try', async () => {
    await Promise.all(
      Array.from({ length: 8 }, async (_, worker) => {
        for (let i = 0; i < 25; i++) {
          await append(sql, `r${(worker * 7 + i) % 10}`, 'moved');
          await writeAnchor(sql, 0);
        }
      }),
    );
    await writeAnchor(sql, 0);
    const found = await verifyAudit(sql);
    expect(found).toMatchObject({ rows: 200, chains: 10, faultCount: 0, unanchored: { rows: 0 } });
    expect(found.anchors).toBeGreaterThan(5);
  });

  test('misses nothing of a transaction that began before an anchor and ended after it', async () => {
    const other = connect(database.url, { maxConnections: 1 });
    try {
      await other.unsafe('begin');
      await append(other, 'rlate', 'began first');
      await append(sql, 'rearly', 'ended first');
      expect(await writeAnchor(sql, 0)).toMatchObject({ n: 1, heads: 1 });
      await append(sql, 'rearly', 'again');
      expect(await writeAnchor(sql, 0)).toMatchObject({ n: 2, heads: 1 });
      await other.unsafe('commit');
    } finally {
      await other.end();
    }
    expect(await writeAnchor(sql, 0)).toMatchObject({ n: 3, heads: 1 });
    expect(await seen()).toEqual(['1 rearly 1', '2 rearly 2', '3 rlate 1']);
  });

  test('that is full is followed by others at once, until nothing is left', async () => {
    for (let i = 0; i < 5; i++) await append(sql, `r${i}`, 'one');
    const heads: number[] = [];
    for (;;) {
      const [anchor] = await sql<{ heads: number }[]>`select heads from write_anchor(${AGES_MS}, 2)`;
      if (anchor === undefined) break;
      heads.push(anchor.heads);
    }
    expect(heads).toEqual([2, 2, 1]);
    expect(await verifyAudit(sql)).toMatchObject({ anchors: 3, faultCount: 0, unanchored: { rows: 0 } });
  });

  test('finds its way on a server whose transactions count from elsewhere', async () => {
    await append(sql, 'ra', 'one');
    await writeAnchor(sql, 0);
    await sql`update anchors set seen = '4611686018427387904'`;
    await append(sql, 'rb', 'one');
    expect(await writeAnchor(sql, 0)).toMatchObject({ n: 2, heads: 1 });
    await append(sql, 'rhidden', 'one');
    await sql`update audit set tx = '3' where run = 'rhidden'`;
    while ((await newestAnchor(sql))?.n !== 59) {
      await append(sql, 'ra', 'again');
      await writeAnchor(sql, 0);
    }
    expect(await verifyAudit(sql)).toMatchObject({ faultCount: 0, unanchored: { rows: 1 } });
    expect(await writeAnchor(sql, 0)).toMatchObject({ n: 60, heads: 1 });
    expect(await verifyAudit(sql)).toMatchObject({ faultCount: 0, unanchored: { rows: 0 } });
  });
});

describe('a worker', () => {
  test('writes anchors until it stops, tells of a failure once, and goes on after it', async () => {
    const failures: unknown[] = [];
    await sql`alter table anchors rename to away`;
    await append(sql, 'ra', 'one');
    const attempts = countingSql();
    const anchors = startAnchors(attempts.sql, { everyMs: 5, onFailure: (error) => failures.push(error) });
    try {
      await attempts.reached(3);
      expect(failures).toHaveLength(1);
      await sql`alter table away rename to anchors`;
      const before = attempts.count();
      await attempts.reached(before + 3);
      expect(await newestAnchor(sql)).toMatchObject({ n: 1 });
    } finally {
      await anchors.stop();
    }
    const after = attempts.count();
    await append(sql, 'ra', 'two');
    expect(attempts.count()).toBe(after);
    expect(await newestAnchor(sql)).toMatchObject({ n: 1 });
  });

  /** Counts statements, and says when so many have been begun. */
  function countingSql() {
    let count = 0;
    const waiting: { readonly at: number; readonly go: () => void }[] = [];
    const counting = new Proxy(sql, {
      apply: (target, self, words) => {
        count++;
        for (const one of waiting) if (count >= one.at) one.go();
        return Reflect.apply(target, self, words);
      },
    });
    const reached = (at: number) =>
      new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`only ${count} of ${at} statements in 20 s`)), 20_000);
        const go = () => {
          clearTimeout(late);
          resolve();
        };
        if (count >= at) go();
        else waiting.push({ at, go });
      });
    return { sql: counting, count: () => count, reached };
  }
});
