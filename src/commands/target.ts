import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { VARIABLES } from '../config.ts';
import { LIMITS } from '../core/limits.ts';
import { findStack, type StackAddresses } from '../stack/stack.ts';
import { CommandError } from './failures.ts';

/**
 * Decides which store, which Temporal and which task queue a command talks to: what the environment names, else the
 * local stack that runs. Reads files, opens no connection.
 */
export interface Target {
  /** Throws exit `usage`, saying what to set or start. */
  databaseUrl(): Promise<string>;
  /** Null: as the SDK's own environment configuration says. Throws exit `usage`, saying what to set or start. */
  temporal(): Promise<{ readonly address: string; readonly namespace: string } | null>;
  readonly taskQueue: string;
  readonly codecModule: string | null;
  /** Signs what is decided here; null: the workers believe what is not signed, or refuse it. */
  readonly decisionKey: string | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface TargetOptions {
  readonly environment: Environment;
  readonly cwd: string;
  /** How a running stack is found in a folder; a test may have its own. */
  readonly find?: typeof findStack;
}

export function findTarget(options: TargetOptions): Target {
  const { environment } = options;
  const text = (name: string) => environment[name]?.trim() ?? '';
  const taskQueue = text('HOLDFAST_TASK_QUEUE') || 'holdfast';
  if (taskQueue.length > LIMITS.personChars)
    throw new CommandError('usage', 'configuration', 'HOLDFAST_TASK_QUEUE is too long');
  const named = text('DATABASE_URL');
  return {
    taskQueue,
    codecModule: text('HOLDFAST_CODEC') || null,
    decisionKey: text('HOLDFAST_DECISION_KEY') || null,
    databaseUrl: async () => {
      if (named !== '') return checkedUrl(named);
      const stack = await findLocalStack(options);
      if (stack !== null) return stack.databaseUrl;
      throw nothingThere('DATABASE_URL', VARIABLES.DATABASE_URL);
    },
    temporal: async () => {
      if (namesTemporal(environment)) return null;
      const stack = await findLocalStack(options);
      if (stack === null)
        throw nothingThere(
          'TEMPORAL_ADDRESS',
          'host:port of Temporal (or any other setting that its SDK reads)',
        );
      if (named !== '' && named !== stack.databaseUrl)
        throw new CommandError(
          'usage',
          'configuration',
          'DATABASE_URL names another database than the one of the local stack that runs here: set TEMPORAL_ADDRESS too, or unset DATABASE_URL',
        );
      return { address: stack.temporalAddress, namespace: stack.temporalNamespace };
    },
  };
}

/** The stack of the folder one stands in, or of this copy of the project. */
async function findLocalStack(options: TargetOptions): Promise<StackAddresses | null> {
  const find = options.find ?? findStack;
  const project = fileURLToPath(new URL('../../', import.meta.url));
  for (const folder of [options.cwd, project]) {
    const stack = await find(join(folder, '.holdfast', 'dev'));
    if (stack !== null) return stack;
  }
  return null;
}

/** Whether the SDK's environment configuration (variables, or a profile in its file) names a server. */
function namesTemporal(environment: Environment): boolean {
  const present = Object.entries(environment).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && entry[1] !== '';
  });
  try {
    const { connectionOptions } = loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(present) });
    return connectionOptions.address !== undefined;
  } catch (error) {
    throw new CommandError(
      'usage',
      'configuration',
      `the Temporal configuration of the environment cannot be read: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

function checkedUrl(url: string): string {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new CommandError(
      'usage',
      'configuration',
      `DATABASE_URL is not a PostgreSQL address: it looks like ${VARIABLES.DATABASE_URL.replace(/^.*?: /, '')}`,
    );
  return url;
}

function nothingThere(name: string, meaning: string): CommandError {
  return new CommandError(
    'usage',
    'configuration',
    `${name} is not set and no local stack runs here: start one with "npm run dev" (and keep it running), or set ${name}: ${meaning}`,
  );
}
