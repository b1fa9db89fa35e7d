import { randomUUID } from 'node:crypto';
import { deleteShop } from '../agents/support/copies.ts';
import { agent as support } from '../agents/support/index.ts';
import { createHoldfastClient } from '../client.ts';
import { ConfigError, readConfig } from '../config.ts';
import { connectClient, UnreachableError } from '../connection.ts';
import { connect, type Sql } from '../store/connection.ts';
import { databaseOf } from '../store/database.ts';
import { promoteRelease, releaseHash } from '../store/releases.ts';
import type { Decider } from './ask.ts';
import { smallReturn } from './conversations.ts';
import { Interrupted, type Interrupts, listenForInterrupts, within } from './interrupt.ts';
import { type Parts, startParts } from './parts.ts';
import { agent as patient } from './patientAgent.ts';
import { CRASH_VARIABLE, externalDemoFolder, patientAgentModule } from './place.ts';
import { CHANNEL, type Stage, workflowIdOf } from './play.ts';
import { playProgramme } from './programme.ts';
import { isRight, jsonOf, type Played, showSummary } from './report.ts';
import { Screen, seconds } from './screen.ts';
import { startWorkerProcess } from './workerProcess.ts';

export interface DemoOptions {
  /** Approve without asking. */
  readonly yes: boolean;
  /** Use the scripted model although there is a key. */
  readonly scripted: boolean;
  /** One JSON document on stdout at the end, everything else on stderr. */
  readonly json: boolean;
}

/** On a terminal the scripted model takes its time, so that a person can follow. */
const READING_PACE_MS = 350;
const WORKER_TIMEOUT_MS = 60_000;

/**
 * Plays four conversations on real parts and checks each. Resolves to the exit code: 0 only when all four are right,
 * 1 when not, 128 + n after signal n. Throws a `ConfigError` or `UnreachableError` where the caller's own settings are
 * at fault.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const startedMs = performance.now();
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  const interrupts = listenForInterrupts();
  let parts: Parts | null = null;
  const close: (() => Promise<void>)[] = [];
  try {
    screen.line();
    screen.line(
      `  ${screen.colors.bold('Holdfast demo')}: four conversations with a support agent, on real parts`,
    );
    screen.line();
    parts = await startParts({
      screen,
      interrupts,
      scripted: options.scripted,
      delayMs: screen.live ? READING_PACE_MS : 0,
      externalFolder: externalDemoFolder(),
    });
    const { stack } = parts;
    const stage = await openStage(options, { screen, interrupts, parts, close });
    const all = await playProgramme(stage, (workflowId) => urlOf(stack, workflowId));
    showSummary(screen, all, { free: parts.model !== null });
    const ok = all.length === 4 && all.every(isRight);
    showEnd(screen, parts, { ok, ms: performance.now() - startedMs });
    if (options.json) printJson(parts, { ok, demo: stage.demo, all, ms: performance.now() - startedMs });
    return ok ? 0 : 1;
  } catch (error) {
    screen.clear();
    if (error instanceof Interrupted) {
      screen.line(`  ${screen.colors.yellow(error.message)}: ending what was started`);
      return error.exitCode;
    }
    if (error instanceof ConfigError || error instanceof UnreachableError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    screen.line(`  ${screen.colors.red('✗')} ${message}`);
    for (const problem of parts?.model?.problems ?? []) screen.line(`    the scripted model: ${problem}`);
    if (options.json)
      process.stdout.write(`${JSON.stringify({ v: 1, ok: false, error: message }, null, 2)}\n`);
    return 1;
  } finally {
    await screen.during(() => 'stopping', end(parts, close));
    interrupts.release();
  }
}

/** Ends things in the reverse order of their start; one that fails to end does not keep the others. */
async function end(parts: Parts | null, close: readonly (() => Promise<void>)[]): Promise<void> {
  // The demo is over and has said its result; what cannot be closed now goes with the process.
  for (const each of [...close].reverse()) await each().catch(() => undefined);
  await parts?.stop();
}

async function openStage(
  options: DemoOptions,
  given: {
    readonly screen: Screen;
    readonly interrupts: Interrupts;
    readonly parts: Parts;
    readonly close: (() => Promise<void>)[];
  },
): Promise<Stage> {
  const { screen, interrupts, parts, close } = given;
  const { signal } = interrupts;
  const demo = `demo-${randomUUID().slice(0, 8)}`;
  // A queue of its own: the worker of a `dev` that runs beside would take work away, and not die when it should.
  process.env.HOLDFAST_TASK_QUEUE = `holdfast-${demo}`;
  // A schedule outlives its workers, and nobody comes back to this queue.
  process.env.HOLDFAST_GOVERNOR = 'off';
  process.env.HOLDFAST_AGENTS = [support.release.agent, patientAgentModule()].join();
  const config = readConfig(process.env);
  const name = config.models[support.release.models.act][0];
  screen.line(
    `  ${screen.colors.green('✓')} ${parts.model === null ? `the real model ${name}: this costs money` : 'the scripted model (no API key is used)'}` +
      (parts.model !== null && options.scripted ? ', as --scripted says' : ''),
  );
  const worker = startWorkerProcess({
    module: 'dev/crashingWorker',
    environment: { [CRASH_VARIABLE]: workflowIdOf(demo, smallReturn) },
  });
  const sql = connect(config.databaseUrl);
  close.push(() => sql.end({ timeoutMs: 5_000 }));
  const { client, close: closeClient } = await connectClient(config.codecModule);
  close.push(closeClient);
  const decisionKey = process.env.HOLDFAST_DECISION_KEY?.trim() || undefined;
  const stage: Stage = {
    demo,
    client,
    holdfast: createHoldfastClient({
      client,
      taskQueue: config.taskQueue,
      channel: 'demo',
      ...(decisionKey !== undefined && { decisionKey }),
    }),
    sql,
    taskQueue: config.taskQueue,
    screen,
    model: parts.model,
    decider: deciderOf(options, screen),
    signal,
    onEnd: (undo) => {
      close.push(async () => {
        await undo();
      });
    },
    worker,
  };
  // Whoever polls at the end: the first worker does not live that long.
  close.push(() => stage.worker.stop());
  await screen.step(
    `a worker (process ${worker.pid})`,
    within(worker.ready, { signal, timeoutMs: WORKER_TIMEOUT_MS, what: 'the worker' }),
  );
  for (const { release } of [support, patient])
    await promoteRelease(sql, {
      agent: release.agent,
      channel: CHANNEL,
      release: releaseHash(release),
      by: 'demo',
    });
  if (parts.ownDatabase && !parts.stack.attached) await clearShops(sql);
  return stage;
}

function deciderOf(options: DemoOptions, screen: Screen): Decider {
  if (options.yes) return { kind: 'itself', why: '--yes' };
  if (!screen.live || process.stdin.isTTY !== true) return { kind: 'itself', why: 'no terminal to ask in' };
  return { kind: 'person', output: options.json ? process.stderr : process.stdout };
}

/** Copies of the shop that earlier demos have left. Only where nobody else can be using one. */
async function clearShops(sql: Sql): Promise<void> {
  const shops = await sql<{ shop: string }[]>`
    select distinct shop from shop.orders where shop like 'demo-%'`;
  for (const { shop } of shops) await deleteShop(databaseOf(sql), shop);
}

function urlOf(stack: Parts['stack'], workflowId: string): string | null {
  const { uiUrl, temporalNamespace } = stack;
  return uiUrl === null ? null : `${uiUrl}/namespaces/${temporalNamespace}/workflows/${workflowId}`;
}

function showEnd(screen: Screen, parts: Parts, found: { readonly ok: boolean; readonly ms: number }): void {
  const { bold, green, red, dim } = screen.colors;
  screen.line();
  screen.line(
    `  ${found.ok ? green(bold('All four are right.')) : red(bold('Not all four are right; see ✗ above.'))} ${dim(seconds(found.ms))}`,
  );
  if (parts.stack.uiUrl !== null && !parts.stack.attached)
    screen.line(
      `  ${dim('The stack stops now and keeps its data:')} npm run dev ${dim('brings it back, and these links with it.')}`,
    );
  screen.line();
}

function printJson(
  parts: Parts,
  found: {
    readonly ok: boolean;
    readonly demo: string;
    readonly all: readonly Played[];
    readonly ms: number;
  },
): void {
  const { temporalAddress, temporalNamespace, uiUrl, attached } = parts.stack;
  const document = {
    v: 1,
    ok: found.ok,
    demo: found.demo,
    model: parts.model === null ? 'anthropic' : 'scripted',
    stack: { temporalAddress, temporalNamespace, uiUrl, attached },
    durationMs: Math.round(found.ms),
    conversations: found.all.map(jsonOf),
  };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
