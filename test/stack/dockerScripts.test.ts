import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { findFreePort } from '../../src/stack/ports.ts';
import { findTemporalCli } from '../../src/stack/temporalCli.ts';
import { makeFolder } from './folders.ts';

const scripts = fileURLToPath(new URL('../../docker/temporal', import.meta.url));

function runScript(name: string, env: Record<string, string>) {
  const result = spawnSync('/bin/sh', [join(scripts, name)], { env, encoding: 'utf8', timeout: 20_000 });
  return { code: result.status, output: `${result.stdout}${result.stderr}` };
}

test('the namespace script creates the namespace, leaves it alone the next time, and gives up in the end', async () => {
  const program = await findTemporalCli({ environment: process.env, onProgress: () => undefined });
  const environment = {
    PATH: `${dirname(program)}:/usr/bin:/bin`,
    HOME: makeFolder(),
    NAMESPACE: `compose-${process.pid}`,
    RETENTION: '24h',
  };
  const there = { ...environment, TEMPORAL_ADDRESS: inject('temporalAddress') };
  expect(runScript('create-namespace.sh', there)).toMatchObject({
    code: 0,
    output: expect.stringContaining('created'),
  });
  expect(runScript('create-namespace.sh', there)).toMatchObject({
    code: 0,
    output: expect.stringContaining('is there'),
  });
  const nowhere = { TEMPORAL_ADDRESS: `127.0.0.1:${await findFreePort()}`, ATTEMPTS: '2', PAUSE_S: '0' };
  const refused = runScript('create-namespace.sh', { ...environment, ...nowhere });
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('attempt 2 of 2 failed') });
});

test('the schema script sets up and updates both databases, and stops at the first failure', () => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'bin'));
  const notes = join(folder, 'notes');
  const tool = join(folder, 'bin', 'temporal-sql-tool');
  writeFileSync(tool, `#!/bin/sh\necho "$@" >> ${notes}\ncase "$*" in *"$FAIL_AT"*) exit 1;; esac\n`);
  chmodSync(tool, 0o755);
  const environment = {
    PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
    ...{ SQL_HOST: 'postgres', SQL_PORT: '5432', SQL_USER: 'temporal', SQL_PASSWORD: 'secret' },
  };
  expect(runScript('setup-schema.sh', { ...environment, FAIL_AT: 'never' }).code).toBe(0);
  const calls = readFileSync(notes, 'utf8').trim().split('\n');
  const common = '--plugin postgres12 --ep postgres --port 5432 --user temporal --db';
  expect(calls).toEqual([
    `${common} temporal setup-schema --version 0.0`,
    `${common} temporal update-schema --schema-name postgresql/v12/temporal`,
    `${common} temporal_visibility setup-schema --version 0.0`,
    `${common} temporal_visibility update-schema --schema-name postgresql/v12/visibility`,
  ]);

  expect(runScript('setup-schema.sh', { ...environment, FAIL_AT: 'update-schema' }).code).not.toBe(0);
  expect(readFileSync(notes, 'utf8').trim().split('\n')).toHaveLength(calls.length + 2);
  const { SQL_PASSWORD: _, ...incomplete } = environment;
  expect(runScript('setup-schema.sh', { ...incomplete, FAIL_AT: 'never' }).output).toContain('SQL_PASSWORD');
});
