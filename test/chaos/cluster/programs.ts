import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../../../src/stack/lock.ts';
import { isExecutable, programCache } from '../../../src/stack/temporalCli.ts';
import { buildWithGo } from '../../../src/stack/temporalInstall.ts';

/** The newest release that `go install` takes as it is. */
export const SERVER_VERSION = '1.31.2';
const MODULE = 'go.temporal.io/server';
const INSTALL_LOCK_MS = 30 * 60_000;

/** The server that production runs, and the tool that lays out its tables. */
export interface ServerPrograms {
  readonly server: string;
  readonly sql: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The programs that this user has built before; null when one of them is missing. No network. */
export function builtServer(environment: Environment): ServerPrograms | null {
  const programs = placesOf(environment);
  return isExecutable(programs.server) && isExecutable(programs.sql) ? programs : null;
}

/** Builds what is missing, once per user: some minutes. Throws in words when there is no Go, or no module proxy. */
export async function buildServer(
  environment: Environment,
  onProgress: (line: string) => void,
): Promise<ServerPrograms> {
  const programs = placesOf(environment);
  const folder = programCache(environment, 'temporal-server', SERVER_VERSION);
  mkdirSync(folder, { recursive: true });
  return withLock(join(folder, 'install.lock'), INSTALL_LOCK_MS, async () => {
    for (const [program, path] of [
      ['server', 'cmd/server'],
      ['sql', 'cmd/tools/sql'],
    ] as const) {
      if (isExecutable(programs[program])) continue;
      const name = `${program} of Temporal ${SERVER_VERSION}`;
      onProgress(`building ${name} with go install; this takes some minutes, once per user`);
      const source = `${MODULE}/${path}@v${SERVER_VERSION}`;
      await buildWithGo({ name, source, program, target: programs[program], environment, onProgress }).catch(
        (error: unknown) => {
          throw new Error(
            `${name} could not be built (${error instanceof Error ? error.message : error}). It takes a Go toolchain ` +
              'on the PATH that reaches its module proxy (GOPROXY), and 2 GB of disk.',
          );
        },
      );
    }
    return programs;
  });
}

function placesOf(environment: Environment): ServerPrograms {
  const folder = programCache(environment, 'temporal-server', SERVER_VERSION);
  return { server: join(folder, 'server'), sql: join(folder, 'sql') };
}
