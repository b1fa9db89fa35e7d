import { join } from 'node:path';
import { UnreachableError } from '../connection.ts';
import { type ScriptedModel, startScriptedModel } from '../models/scripted/server.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/searchAttributes.ts';
import { conversations } from './conversations.ts';
import { type Interrupts, within } from './interrupt.ts';
import { devStackFolder } from './place.ts';
import type { Screen } from './screen.ts';

/** What the demo and `dev` run on. */
export interface Parts {
  readonly stack: Stack;
  /** True when the database is one that the environment named. */
  readonly ownDatabase: boolean;
  /** Null when a real model answers. */
  readonly model: ScriptedModel | null;
  /** Ends what this call started, the stack last. */
  stop(): Promise<void>;
}

export interface PartsOptions {
  readonly screen: Screen;
  readonly interrupts: Interrupts;
  /** Use the scripted model although there is a key. */
  readonly scripted: boolean;
  /** Pause of the scripted model before each answer. */
  readonly delayMs: number;
  /** Where the addresses are noted when the environment names both parts, and nothing local is started. */
  readonly externalFolder: string;
}

/** Installing the Temporal server for the first time may take minutes. */
const STACK_TIMEOUT_MS = 20 * 60_000;
const SETTLE_MS = 20_000;

/**
 * Starts the local stack, or attaches to it, and the scripted model where no key is set, and points the environment
 * of this process (and so of its children) at them. Throws an `UnreachableError` for what the environment names and
 * cannot be reached.
 */
export async function startParts(options: PartsOptions): Promise<Parts> {
  const { screen, interrupts } = options;
  const external = { database: isSet('DATABASE_URL'), temporal: isSet('TEMPORAL_ADDRESS') };
  let doing = 'looking for the local stack';
  const starting = startStack({
    dir: external.database && external.temporal ? options.externalFolder : devStackFolder(),
    searchAttributes: SEARCH_ATTRIBUTES,
    onProgress: (line) => {
      doing = line;
    },
  }).catch((error: unknown) => {
    // Our own parts are not somebody else's server that is away.
    if (!external.database && !external.temporal) throw error;
    throw new UnreachableError(error instanceof Error ? error.message : String(error), { cause: error });
  });
  const stack = await stackOrInterrupt(screen, starting, interrupts.signal, () => doing);
  screen.line(
    `  ${screen.colors.green('✓')} ${describe(stack, external)} ${screen.colors.dim(stack.temporalAddress)}`,
  );
  try {
    const real = isSet('ANTHROPIC_API_KEY') && !options.scripted;
    const model = real ? null : await startModel(options.delayMs);
    settleEnvironment(stack, { external: external.temporal, model });
    return {
      stack,
      ownDatabase: !external.database,
      model,
      stop: async () => {
        await model?.stop();
        await stack.stop();
      },
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function stackOrInterrupt(
  screen: Screen,
  starting: Promise<Stack>,
  signal: AbortSignal,
  doing: () => string,
): Promise<Stack> {
  try {
    const bounds = { signal, timeoutMs: STACK_TIMEOUT_MS, what: 'the local stack' };
    return await screen.during(doing, within(starting, bounds));
  } catch (error) {
    // What is half started ends in its own time; what hangs is ended by the exit hook of the stack.
    const late = new Promise<null>((resolve) => setTimeout(resolve, SETTLE_MS, null).unref());
    const stack = await Promise.race([starting.catch(() => null), late]);
    await stack?.stop();
    throw error;
  }
}

function describe(
  stack: Stack,
  external: { readonly database: boolean; readonly temporal: boolean },
): string {
  if (external.database && external.temporal) return 'PostgreSQL and Temporal of your environment';
  if (stack.attached) return 'attached to the local stack that runs already';
  if (external.database) return 'Temporal (local), PostgreSQL of your environment';
  if (external.temporal) return 'PostgreSQL (local), Temporal of your environment';
  return 'PostgreSQL and Temporal with its UI';
}

function startModel(delayMs: number): Promise<ScriptedModel> {
  return startScriptedModel({ conversations: conversations.map(({ script }) => script), delayMs });
}

/** The SDK's own configuration reads the environment of the process: ours, and those of the workers we start. */
function settleEnvironment(
  stack: Stack,
  parts: { readonly external: boolean; readonly model: ScriptedModel | null },
): void {
  process.env.DATABASE_URL = stack.databaseUrl;
  if (!parts.external) {
    // Keys and certificates of another server must not meet the local one.
    for (const name of Object.keys(process.env))
      if (name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_CLI') delete process.env[name];
    // A file that is not there counts as none; an empty one would be an error.
    process.env.TEMPORAL_CONFIG_FILE = join(devStackFolder(), 'none.toml');
  }
  process.env.TEMPORAL_ADDRESS = stack.temporalAddress;
  process.env.TEMPORAL_NAMESPACE = stack.temporalNamespace;
  if (parts.model === null) return;
  delete process.env.ANTHROPIC_API_KEY;
  process.env.HOLDFAST_MODEL_URL = parts.model.url;
}

function isSet(name: string): boolean {
  return (process.env[name] ?? '').trim() !== '';
}
