import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { connect, onStore } from '../../src/store/connection.ts';
import { type Link, openProxy } from '../chaos/proxy.ts';

// What was asked of a connection that is already broken is refused. It is never answered with what another statement
// gets, nor with nothing, as if it had been done.

const CONNECTED_MS = 100;

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

const cut = () => {
  proxy.set({ kind: 'refusing' });
  proxy.heal();
};

test('a statement that is sent the moment another one fails gets its own answer or is refused', async () => {
  const sql = connect(url, { maxConnections: 2, silentMs: 60_000 });
  const ask = (n: number) => sql<{ n: number }[]>`select ${n}::int as n`.then(([...rows]) => rows);
  try {
    // The first connection is idle when both are cut, the second is at work.
    const idle = ask(1);
    const atWork = sql`select pg_sleep(10)`.then(
      () => [],
      () => ask(2),
    );
    await idle;
    await setTimeout(CONNECTED_MS);
    cut();
    const second = atWork.catch((error: unknown) => onStore(() => Promise.reject(error)));
    await Promise.race([second.catch(() => undefined), setTimeout(CONNECTED_MS)]);
    for (const n of [3, 4, 5]) expect(await ask(n)).toEqual([{ n }]);
    const [settled] = await Promise.allSettled([second]);
    if (settled.status === 'fulfilled') expect(settled.value).toEqual([{ n: 2 }]);
    else expect(settled.reason).toMatchObject({ failure: { code: 'store_unavailable' } });
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
});
