import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { startStack } from '../../src/stack/stack.ts';
import { connect } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import type { How } from '../benchmark.ts';

const FOLDER = resolve(import.meta.dirname, '../../.holdfast/start-parts');
const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

/** What a start is made of, each by itself, in milliseconds. */
export async function timeParts({
  stack,
}: Pick<How, 'stack'>): Promise<readonly (readonly [string, number])[]> {
  // The part that the environment names is not started.
  const postgres = { TEMPORAL_ADDRESS: stack.temporalAddress };
  const temporal = { DATABASE_URL: stack.databaseUrl };
  return [
    ['PostgreSQL, data made and started', await startPart(postgres, true)],
    ['PostgreSQL, started on its data', await startPart(postgres, false)],
    ['Temporal, with an empty file', await startPart(temporal, true)],
    ['Temporal, on its file', await startPart(temporal, false)],
    ['migrations of the store', await migrateOnce(stack.databaseUrl)],
    ['the bundle of workflows', await timed(bundle)],
  ];
}

async function startPart(environment: Readonly<Record<string, string>>, fresh: boolean): Promise<number> {
  const { HOME = '', PATH = '', TEMPORAL_CLI = '', XDG_CACHE_HOME = '' } = process.env;
  let stop = async () => undefined as unknown;
  const tookMs = await timed(async () => {
    ({ stop } = await startStack({
      dir: FOLDER,
      ui: true,
      fresh,
      searchAttributes: SEARCH_ATTRIBUTES,
      environment: { HOME, PATH, TEMPORAL_CLI, XDG_CACHE_HOME, ...environment },
    }));
  });
  await stop();
  return tookMs;
}

async function migrateOnce(databaseUrl: string): Promise<number> {
  const admin = connect(databaseUrl, { maxConnections: 1 });
  const name = `start_${randomUUID().replaceAll('-', '')}`;
  await admin.unsafe(`create database ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  const sql = connect(url.href);
  try {
    return await timed(() => migrate(sql));
  } finally {
    await sql.end({ timeoutMs: 5_000 });
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end({ timeoutMs: 5_000 });
  }
}

async function bundle(): Promise<void> {
  await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('ERROR') });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}
