import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../src/stack/ports.ts';
import { findStack, startStack } from '../../src/stack/stack.ts';
import { makeFolder } from './folders.ts';

const BOUND_MS = 10_000;

/** A port where connections are accepted and then nothing ever happens: the worst of the unreachable. */
async function listenSilently(): Promise<number> {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function failWith(environment: Record<string, string | undefined>): Promise<string> {
  const started = performance.now();
  const start = startStack({ dir: join(makeFolder(), 'stack'), environment, searchAttributes: {} });
  const message = await start.then(
    () => 'it started',
    (error: Error) => error.message,
  );
  expect(performance.now() - started).toBeLessThan(BOUND_MS);
  return message;
}

describe('what the environment names', () => {
  test('is used, and neither started nor stopped', async () => {
    const environment = { DATABASE_URL: inject('databaseUrl'), TEMPORAL_ADDRESS: inject('temporalAddress') };
    const dir = join(makeFolder(), 'stack');
    const stack = await startStack({ dir, environment, searchAttributes: {} });
    const addresses = {
      databaseUrl: environment.DATABASE_URL,
      temporalAddress: environment.TEMPORAL_ADDRESS,
      temporalNamespace: 'default',
      uiUrl: null,
    };
    expect(stack).toMatchObject({ ...addresses, attached: false });
    expect(await findStack(dir)).toEqual(addresses);
    await stack.stop();
    expect(await findStack(dir)).toBeNull();
    await (await startStack({ dir, environment, searchAttributes: {} })).stop();
  });

  test('is named in the error when nothing listens there, and no password is shown', async () => {
    const port = await findFreePort();
    const database = await failWith({ DATABASE_URL: `postgres://me:secret@127.0.0.1:${port}/x` });
    expect(database).toMatch(
      /^DATABASE_URL \(postgres:\/\/me:\*\*\*@127.0.0.1:\d+\/x\) is not reachable: .*ECONNREFUSED/,
    );
    expect(database).not.toContain('secret');
    const temporal = await failWith({
      DATABASE_URL: inject('databaseUrl'),
      TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
    });
    expect(temporal).toMatch(/^TEMPORAL_ADDRESS \(127.0.0.1:\d+, namespace default\) is not reachable/);
  });

  test('is named in the error when something listens there and never answers', async () => {
    const port = await listenSilently();
    const [database, temporal] = await Promise.all([
      failWith({ DATABASE_URL: `postgres://me:secret@127.0.0.1:${port}/x` }),
      failWith({ DATABASE_URL: inject('databaseUrl'), TEMPORAL_ADDRESS: `127.0.0.1:${port}` }),
    ]);
    expect(database).toMatch(/^DATABASE_URL .* is not reachable/);
    expect(temporal).toMatch(/^TEMPORAL_ADDRESS .* is not reachable/);
  });

  test('is named in the error when it is no URL, or the namespace does not exist', async () => {
    expect(await failWith({ DATABASE_URL: 'nonsense' })).toMatch(/^DATABASE_URL \(not a URL\)/);
    const temporal = await failWith({
      DATABASE_URL: inject('databaseUrl'),
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: 'nowhere',
    });
    expect(temporal).toMatch(/namespace nowhere.*not found/i);
  });
});
