import { describe, expect, test } from 'vitest';
import { CommandError } from '../../../src/commands/failures.ts';
import { type Environment, findTarget } from '../../../src/commands/target.ts';

const STACK = {
  databaseUrl: 'postgres://holdfast:word@127.0.0.1:5000/holdfast',
  temporalAddress: '127.0.0.1:7000',
  temporalNamespace: 'default',
  uiUrl: null,
};
/** A folder that no configuration file of the SDK is in. */
const HOME = { HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' };

function target(environment: Environment, stack: typeof STACK | null = STACK) {
  const looked: string[] = [];
  const found = findTarget({
    environment: { ...HOME, ...environment },
    cwd: '/somewhere',
    find: async (dir) => {
      looked.push(dir);
      return stack;
    },
  });
  return { ...found, looked };
}

async function failure(work: Promise<unknown>): Promise<CommandError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof CommandError)) throw new Error(`not a CommandError: ${error}`);
  return error;
}

describe('addresses', () => {
  test('of the environment win, and no stack is looked for', async () => {
    const named = target({
      DATABASE_URL: 'postgres://a:b@db/x',
      TEMPORAL_ADDRESS: 'temporal:7233',
      HOLDFAST_TASK_QUEUE: 'mine',
      HOLDFAST_CODEC: './codec.ts',
    });
    expect(await named.databaseUrl()).toBe('postgres://a:b@db/x');
    expect(await named.temporal()).toBeNull();
    expect(named).toMatchObject({ taskQueue: 'mine', codecModule: './codec.ts', looked: [] });
  });

  test('else those of the stack that runs where one stands', async () => {
    const local = target({ DATABASE_URL: ' ', TEMPORAL_ADDRESS: '' });
    expect(await local.databaseUrl()).toBe(STACK.databaseUrl);
    expect(await local.temporal()).toEqual({ address: '127.0.0.1:7000', namespace: 'default' });
    expect(local.taskQueue).toBe('holdfast');
    expect(local.looked[0]).toBe('/somewhere/.holdfast/dev');
  });

  test('without either the error says what to start or set, and looks in the project too', async () => {
    const nothing = target({}, null);
    const database = await failure(nothing.databaseUrl());
    expect(database).toMatchObject({ exit: 'usage' });
    expect(database.message).toMatch(/DATABASE_URL.*npm run dev/);
    expect((await failure(nothing.temporal())).message).toMatch(/TEMPORAL_ADDRESS.*npm run dev/);
    expect(new Set(nothing.looked).size).toBe(2);
  });

  test('a store of the environment is never mixed with the Temporal of another stack', async () => {
    const mixed = target({ DATABASE_URL: 'postgres://a:b@production/x' });
    expect(await mixed.databaseUrl()).toBe('postgres://a:b@production/x');
    expect((await failure(mixed.temporal())).message).toContain('another database');
    const same = target({ DATABASE_URL: STACK.databaseUrl });
    expect(await same.temporal()).toEqual({ address: '127.0.0.1:7000', namespace: 'default' });
  });

  test('what is no PostgreSQL address is refused without repeating it', async () => {
    const wrong = await failure(target({ DATABASE_URL: 'mysql://root:secret@db/x' }).databaseUrl());
    expect(wrong.exit).toBe('usage');
    expect(wrong.message).not.toContain('secret');
  });
});
