import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../../../src/stack/ports.ts';
import { DATABASES, type DatabaseLogin } from './tables.ts';

/** The parts of the server; each runs as a process of its own. `worker` does the server's own chores, not ours. */
export const ROLES = ['frontend', 'history', 'matching', 'worker'] as const;
export type Role = (typeof ROLES)[number];

export type Ports = Readonly<Record<Role, { readonly grpc: number; readonly membership: number }>> & {
  readonly http: number;
};

/** The server keeps its members' ports in a column that holds no more than this. */
const HIGHEST_PORT = 32_767;
const LOWEST_PORT = 20_000;

export async function findPorts(): Promise<Ports> {
  const taken = new Set<number>();
  const next = async (): Promise<number> => {
    for (let tries = 0; tries < 1_000; tries += 1) {
      const wanted = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT + 1));
      // Nothing listens on a found one yet, so it may be found again.
      if (taken.has(wanted) || (await findFreePort(wanted)) !== wanted) continue;
      taken.add(wanted);
      return wanted;
    }
    throw new Error(`no free TCP port from ${LOWEST_PORT} to ${HIGHEST_PORT} on 127.0.0.1`);
  };
  const pair = async () => ({ grpc: await next(), membership: await next() });
  return {
    frontend: await pair(),
    history: await pair(),
    matching: await pair(),
    worker: await pair(),
    http: await next(),
  };
}

export function argumentsOf(role: Role): readonly string[] {
  return ['--allow-no-auth', 'start', '--service', role];
}

/**
 * What every role reads, and nothing of the caller's own environment. Four processes and two databases share the
 * connections of one small PostgreSQL with our workers, so each pool is small.
 */
export function environmentOf(
  dir: string,
  ports: Ports,
  login: DatabaseLogin,
): Readonly<Record<string, string>> {
  const ofRoles = ROLES.flatMap((role) => [
    [`${role.toUpperCase()}_GRPC_PORT`, String(ports[role].grpc)],
    [`${role.toUpperCase()}_MEMBERSHIP_PORT`, String(ports[role].membership)],
  ]);
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    LOG_LEVEL: 'warn',
    BIND_ON_IP: '127.0.0.1',
    TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1',
    NUM_HISTORY_SHARDS: '4',
    DYNAMIC_CONFIG_FILE_PATH: writeDynamicConfig(dir),
    FRONTEND_HTTP_PORT: String(ports.http),
    ...Object.fromEntries(ofRoles),
    DB: 'postgres12',
    POSTGRES_SEEDS: '127.0.0.1',
    DB_PORT: login.port,
    POSTGRES_USER: login.user,
    POSTGRES_PWD: login.password,
    DBNAME: DATABASES.history,
    VISIBILITY_DBNAME: DATABASES.visibility,
    SQL_MAX_CONNS: '10',
    SQL_VIS_MAX_CONNS: '4',
  };
}

/** Everything stays at the server's defaults, but it must not ask the internet whether it is new. */
function writeDynamicConfig(dir: string): string {
  const file = join(dir, 'dynamic.yaml');
  writeFileSync(file, 'frontend.enableServerVersionCheck:\n  - value: false\n');
  return file;
}
