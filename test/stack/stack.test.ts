import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../src/stack/processes.ts';
import { findStack, startStack } from '../../src/stack/stack.ts';
import { readState } from '../../src/stack/state.ts';
import { withDatabase } from './database.ts';
import { findProcessesUsing, isListening, makeFolder } from './folders.ts';

const environment = { ...process.env, DATABASE_URL: undefined, TEMPORAL_ADDRESS: undefined };

describe('the local stack', () => {
  test('starts in an empty folder, attaches later starts, and leaves nothing behind', async () => {
    const dir = join(makeFolder(), 'stack');
    const lines: string[] = [];
    // Two starts at once: the lock lets one start and the other attach.
    const options = { dir, environment, searchAttributes: { HoldfastState: 'Keyword' } } as const;
    const both = await Promise.all([
      startStack(options),
      startStack({ ...options, onProgress: (line) => lines.push(line) }),
    ]);
    const owner = both.find((stack) => !stack.attached);
    const guest = both.find((stack) => stack.attached);
    if (owner === undefined || guest === undefined)
      throw new Error('One start should own, one should attach.');
    const { attached, stop, ...addresses } = owner;
    expect(guest).toMatchObject(addresses);
    expect(await findStack(dir)).toEqual(addresses);

    const version = await withDatabase(owner.databaseUrl, async (sql) => await sql`show server_encoding`);
    expect(version[0]).toEqual({ server_encoding: 'UTF8' });
    expect((await fetch(owner.uiUrl ?? '')).status).toBe(200);

    await guest.stop();
    expect(await findStack(dir)).toEqual(addresses);

    const state = readState(dir);
    const parts = Object.values(state?.parts ?? {});
    const ports = Object.values(state?.ports ?? {});
    expect(parts).toHaveLength(2);
    expect(ports).toHaveLength(3);
    expect(findProcessesUsing(dir)).not.toEqual([]);

    await owner.stop();
    await owner.stop();
    expect(parts.map(isAlive)).toEqual([false, false]);
    expect(await Promise.all(ports.map(isListening))).toEqual([false, false, false]);
    expect(findProcessesUsing(dir)).toEqual([]);
    expect(await findStack(dir)).toBeNull();
  });

  test('a second start keeps data and addresses, and registers what was added to the search attributes', async () => {
    const dir = join(makeFolder(), 'stack');
    const first = await startStack({
      dir,
      ui: false,
      environment,
      searchAttributes: { HoldfastOld: 'Keyword' },
    });
    await withDatabase(first.databaseUrl, async (sql) => await sql`create table kept (word text)`);
    await first.stop();

    const searchAttributes = { HoldfastOld: 'Keyword', HoldfastNew: 'Int' } as const;
    const second = await startStack({ dir, ui: false, environment, searchAttributes });
    expect(second).toMatchObject({ databaseUrl: first.databaseUrl, temporalAddress: first.temporalAddress });
    await withDatabase(second.databaseUrl, async (sql) => await sql`select * from kept`);
    const connection = await Connection.connect({ address: second.temporalAddress });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    expect(customAttributes).toMatchObject({ HoldfastOld: 2, HoldfastNew: 3 });
    await connection.close();
    await second.stop();

    const fresh = await startStack({ dir, ui: false, fresh: true, environment, searchAttributes: {} });
    const gone = withDatabase(fresh.databaseUrl, async (sql) => await sql`select * from kept`);
    await expect(gone).rejects.toThrow('does not exist');
    await fresh.stop();
  });
});
