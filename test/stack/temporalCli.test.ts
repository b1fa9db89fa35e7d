import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../src/stack/ports.ts';
import { cachedTemporalCli, findTemporalCli } from '../../src/stack/temporalCli.ts';
import { makeFolder } from './folders.ts';

const goodVersion = '#!/bin/sh\necho "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)"\n';

function writeProgram(path: string, script: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

/** A PATH with the system's own programs at the end, minus any temporal or go. */
function makeEnvironment(): { readonly folder: string; readonly environment: Record<string, string> } {
  const folder = makeFolder();
  const environment = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, XDG_CACHE_HOME: join(folder, 'cache') };
  return { folder, environment };
}

async function closedUrl(): Promise<string> {
  return `http://127.0.0.1:${await findFreePort()}`;
}

async function serve(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

test('TEMPORAL_CLI comes first, then the PATH, then the cache', async () => {
  const { folder, environment } = makeEnvironment();
  const downloadUrl = await closedUrl();
  const find = (extra: Record<string, string>) =>
    findTemporalCli({ environment: { ...environment, ...extra }, onProgress: () => undefined, downloadUrl });
  const cached = writeProgram(cachedTemporalCli(environment), goodVersion);
  expect(await find({})).toBe(cached);
  const onPath = writeProgram(join(folder, 'bin', 'temporal'), goodVersion);
  expect(await find({})).toBe(onPath);
  const named = writeProgram(join(folder, 'mine'), goodVersion);
  expect(await find({ TEMPORAL_CLI: named })).toBe(named);
  await expect(find({ TEMPORAL_CLI: join(folder, 'absent') })).rejects.toThrow(/TEMPORAL_CLI is .*absent/);
});

test('a program on the PATH that is too old is passed over, aloud', async () => {
  const { folder, environment } = makeEnvironment();
  writeProgram(join(folder, 'bin', 'temporal'), '#!/bin/sh\necho "temporal version 0.9.0 (Server 1.20.0)"\n');
  const cached = writeProgram(cachedTemporalCli(environment), goodVersion);
  const lines: string[] = [];
  expect(await findTemporalCli({ environment, onProgress: (line) => lines.push(line) })).toBe(cached);
  expect(lines.join()).toContain('too old');
});

test('a download ends up complete in the cache, and is not repeated', async () => {
  const { folder, environment } = makeEnvironment();
  writeProgram(join(folder, 'pack', 'temporal'), goodVersion);
  const archive = join(folder, 'archive.tar.gz');
  execFileSync('tar', ['-czf', archive, '-C', join(folder, 'pack'), 'temporal']);
  const asked: string[] = [];
  const downloadUrl = await serve(
    createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/archive') return void response.end(readFileSync(archive));
      const archiveUrl = `http://${request.headers.host}/archive`;
      response.end(JSON.stringify({ archiveUrl, fileToExtract: 'temporal' }));
    }),
  );
  const options = { environment, onProgress: () => undefined, downloadUrl };
  const found = await findTemporalCli(options);
  expect(found).toBe(cachedTemporalCli(environment));
  expect(asked[0]).toMatch(/^\/v1\.5\.1\?arch=\w+&platform=\w+&format=tar\.gz$/);
  expect(await findTemporalCli(options)).toBe(found);
  expect(asked).toHaveLength(2);
  expect(readdirSync(dirname(found))).toEqual(['temporal']);
});

test('a broken download is not kept; two waiting starts share one build', async () => {
  const { folder, environment } = makeEnvironment();
  const downloadUrl = await serve(
    createServer((request, response) => {
      if (request.url === '/archive') return void response.end('this is no archive');
      response.end(
        JSON.stringify({ archiveUrl: `http://${request.headers.host}/archive`, fileToExtract: 'temporal' }),
      );
    }),
  );
  const builds = join(folder, 'builds');
  writeProgram(
    join(folder, 'bin', 'go'),
    [
      '#!/bin/sh',
      `echo "$@" >> ${builds}`,
      'echo "go: downloading example.org/module v1.0.0" >&2',
      `printf '${goodVersion.replaceAll('\n', '\\n')}' > "$GOBIN/temporal"`,
    ].join('\n'),
  );
  const lines: string[] = [];
  const find = () => findTemporalCli({ environment, onProgress: (line) => lines.push(line), downloadUrl });
  const [one, two] = await Promise.all([find(), find()]);
  expect(one).toBe(cachedTemporalCli(environment));
  expect(two).toBe(one);
  expect(lines.join('\n')).toMatch(/Download from .* failed/);
  const arguments_ = readFileSync(builds, 'utf8').trim().split('\n');
  expect(arguments_).toHaveLength(1);
  expect(arguments_[0]).toContain('github.com/temporalio/cli/cmd/temporal@v1.5.1');
});

test('when nothing works the error holds every reason and what to do, and the cache stays empty', async () => {
  const { folder, environment } = makeEnvironment();
  writeProgram(join(folder, 'bin', 'go'), '#!/bin/sh\necho "module lookup disabled" >&2\nexit 1\n');
  const downloadUrl = await closedUrl();
  const find = findTemporalCli({ environment, onProgress: () => undefined, downloadUrl });
  const message = await find.then(String, (error: Error) => error.message);
  for (const part of ['ECONNREFUSED', 'module lookup disabled', 'TEMPORAL_CLI', 'TEMPORAL_ADDRESS']) {
    expect(message).toContain(part);
  }
  expect(existsSync(cachedTemporalCli(environment))).toBe(false);
  expect(readdirSync(dirname(cachedTemporalCli(environment)))).toEqual([]);
});
