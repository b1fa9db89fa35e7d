import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export const DATABASES = { history: 'temporal', visibility: 'temporal_visibility' } as const;

const STEP_TIMEOUT_MS = 60_000;

/** What the server and its tool read about their database. */
export interface DatabaseLogin {
  readonly port: string;
  readonly user: string;
  readonly password: string;
}

export function loginOf(databaseUrl: string): DatabaseLogin {
  const { port, username, password } = new URL(databaseUrl);
  return { port, user: username, password };
}

/** Lays out the server's tables in two new databases, as its operators do. The schemas are inside the tool. */
export async function layOutTables(tool: string, login: DatabaseLogin): Promise<void> {
  for (const [kind, database] of Object.entries(DATABASES)) {
    const run = async (...args: readonly string[]) => {
      await promisify(execFile)(tool, ['--database', database, ...args], {
        env: {
          SQL_PLUGIN: 'postgres12',
          SQL_HOST: '127.0.0.1',
          SQL_PORT: login.port,
          SQL_USER: login.user,
          SQL_PASSWORD: login.password,
        },
        timeout: STEP_TIMEOUT_MS,
      });
    };
    await run('create-database', '--defaultdb', 'postgres');
    await run('setup-schema', '--version', '0.0');
    await run('update-schema', '--schema-name', `postgresql/v12/${kind === 'history' ? 'temporal' : kind}`);
  }
}
