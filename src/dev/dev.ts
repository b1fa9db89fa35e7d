import { importShop } from '../agents/support/copies.ts';
import { DEFAULT_SHOP } from '../agents/support/schema.ts';
import { seed } from '../agents/support/seed/index.ts';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { UnreachableError } from '../connection.ts';
import { findStack } from '../stack/stack.ts';
import { connect } from '../store/connection.ts';
import { databaseOf } from '../store/database.ts';
import { promoteRelease, releaseHash } from '../store/releases.ts';
import { loadAgents } from '../worker.ts';
import { showHelp } from './help.ts';
import { Interrupted, listenForInterrupts } from './interrupt.ts';
import { type Parts, startParts } from './parts.ts';
import { devStackFolder } from './place.ts';
import { Screen } from './screen.ts';
import { keepWorkerAlive } from './supervise.ts';

export interface DevOptions {
  /** Print the addresses as one line of JSON on stdout once all is up; everything else goes to stderr. */
  readonly json: boolean;
}

const WATCH_MS = 3_000;

/**
 * Keeps the local stack, the scripted model (where no key is set) and a worker up until it is interrupted. Resolves to
 * the exit code: 128 + n after signal n, 1 when a part cannot be started or kept alive. Throws a `ConfigError` or
 * `UnreachableError` where the caller's own settings are at fault.
 */
export async function runDev(options: DevOptions): Promise<number> {
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  const interrupts = listenForInterrupts();
  const stop = new AbortController();
  interrupts.signal.addEventListener('abort', () => stop.abort(interrupts.signal.reason), { once: true });
  let parts: Parts | null = null;
  const watches: NodeJS.Timeout[] = [];
  try {
    screen.line();
    screen.line(`  ${screen.colors.bold('Holdfast dev')}`);
    screen.line();
    parts = await startParts({
      screen,
      interrupts,
      scripted: false,
      delayMs: 0,
      externalFolder: devStackFolder(),
    });
    const config = readConfig(process.env);
    if (parts.stack.attached) watches.push(watchStack(stop));
    if (parts.model !== null) watches.push(watchModel(parts.model, screen));
    await keepUp({ parts, config, screen, signal: stop.signal, json: options.json });
    stop.signal.throwIfAborted();
    return 0;
  } catch (error) {
    screen.clear();
    if (error instanceof Interrupted) {
      screen.line(`  ${screen.colors.yellow(error.message)}: ending what was started`);
      return error.exitCode;
    }
    if (error instanceof ConfigError || error instanceof UnreachableError) throw error;
    screen.line(`  ${screen.colors.red('✗')} ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    for (const watch of watches) clearInterval(watch);
    await screen.during(() => 'stopping', parts?.stop() ?? Promise.resolve());
    interrupts.release();
  }
}

interface KeepUp {
  readonly parts: Parts;
  readonly config: Config;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly json: boolean;
}

async function keepUp({ parts, config, screen, signal, json }: KeepUp): Promise<void> {
  let first = true;
  await keepWorkerAlive({
    screen,
    signal,
    onReady: async () => {
      if (!first) return;
      first = false;
      const promoted = await promote(config);
      if (parts.model !== null && parts.ownDatabase && !parts.stack.attached) await openShopAnew(config);
      showHelp(screen, parts, { promoted, signed: config.decisionKeys !== null });
      if (json) printAddresses(parts);
    },
    beforeRestart: async () => {
      if (parts.stack.attached && (await findStack(devStackFolder())) === null) throw new Error(STACK_GONE);
    },
  });
}

/** Here the newest code is the one to talk to; elsewhere `holdfast release promote` is a decision of its own. */
async function promote(config: Config): Promise<readonly string[]> {
  const sql = connect(config.databaseUrl, { maxConnections: 1 });
  try {
    const agents = await loadAgents(config.agents);
    for (const { release } of agents)
      await promoteRelease(sql, {
        agent: release.agent,
        channel: 'live',
        release: releaseHash(release),
        by: 'dev',
      });
    return agents.map(({ release }) => `${release.agent}@live = ${releaseHash(release).slice(0, 12)}`);
  } finally {
    await sql.end({ timeoutMs: 5_000 });
  }
}

/** Scripts know the shop as it opens: what was returned yesterday would not be returnable today. */
async function openShopAnew(config: Config): Promise<void> {
  const sql = connect(config.databaseUrl, { maxConnections: 1 });
  try {
    await databaseOf(sql).transaction(async (transaction) => {
      for (const table of ['orders', 'users', 'products'])
        await transaction.query(`delete from shop.${table} where shop = $1`, [DEFAULT_SHOP]);
      await importShop(transaction, DEFAULT_SHOP, seed);
    });
  } finally {
    await sql.end({ timeoutMs: 5_000 });
  }
}

const STACK_GONE = 'the local stack has ended with the process that started it; run "npm run dev" again';

function watchStack(stop: AbortController): NodeJS.Timeout {
  return setInterval(() => {
    void findStack(devStackFolder()).then((found) => {
      if (found === null) stop.abort(new Error(STACK_GONE));
    });
  }, WATCH_MS);
}

/** What the scripted model refused is the answer to "why does my run not go on". */
function watchModel(model: NonNullable<Parts['model']>, screen: Screen): NodeJS.Timeout {
  let shown = 0;
  return setInterval(() => {
    const { problems } = model;
    for (const problem of problems.slice(Math.min(shown, problems.length)))
      screen.line(`  ${screen.colors.yellow('!')} the scripted model: ${problem}`);
    shown = problems.length;
  }, WATCH_MS);
}

function printAddresses({ stack, model }: Parts): void {
  const { temporalAddress, temporalNamespace, uiUrl, attached } = stack;
  process.stdout.write(
    `${JSON.stringify({ v: 1, temporalAddress, temporalNamespace, uiUrl, attached, model: model?.url ?? 'anthropic' })}\n`,
  );
}
