import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type Contender, programPath } from './contenders.ts';
import type { Conversed, Order, Told } from './messages.ts';

/** A contender's program in a process of its own. */
export interface Peer extends AsyncDisposable {
  converse(lanes: readonly (readonly string[])[]): Promise<Conversed>;
  begin(conversation: string): Promise<void>;
  /** How it ended. */
  resume(conversation: string): Promise<string>;
  /** Resolves, with their keys, when all these conversations have acted and hold their results back. */
  acted(conversations: readonly string[]): Promise<ReadonlyMap<string, string>>;
  kill(): Promise<void>;
}

const READY_MS = 90_000;
const ORDER_MS = 10 * 60_000;
const ACTED_MS = 60_000;
const END_MS = 5_000;

/** Of the caller's environment only what a program needs: variables of a peer's own would change what is measured. */
function inherited(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, NODE_ENV: 'production' };
}

export async function startPeer(
  contender: Contender,
  environment: Readonly<Record<string, string>>,
): Promise<Peer> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const child = fork(programPath(contender), {
    execArgv: ['--no-deprecation', '--import', tsx],
    env: { ...inherited(), ...environment, ...contender.environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const waiting = new Map<number, (told: Told) => void>();
  const keys = new Map<string, string>();
  let onActed = () => {};
  let orders = 0;
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (told: Told) => {
      if (told.kind === 'ready') return resolve();
      if (told.kind === 'acted') {
        keys.set(told.conversation, told.key);
        return onActed();
      }
      waiting.get(told.id)?.(told);
      waiting.delete(told.id);
    });
    child.once('exit', (code, signal) => {
      const why = `${contender.name} ended (${signal ?? code})`;
      for (const [id, tell] of waiting) tell({ kind: 'failed', id, why });
      reject(new Error(`${why} before it was ready`));
    });
  });
  const order = async (what: Order['order']) => {
    if (!child.connected) throw new Error(`${contender.name} has ended`);
    const id = orders++;
    const told = await within(
      new Promise<Told>((resolve) => {
        waiting.set(id, resolve);
        child.send({ id, order: what } satisfies Order, () => undefined);
      }),
      ORDER_MS,
      `${contender.name}: ${what.kind}`,
    );
    if (told.kind === 'done') return told;
    throw new Error(`${contender.name}: ${told.kind === 'failed' ? told.why : told.kind}`);
  };
  await within(ready, READY_MS, `${contender.name} to be ready`).catch(async (error) => {
    await end(child, exited);
    throw error;
  });
  return {
    converse: async (lanes) => {
      const { conversed } = await order({ kind: 'converse', lanes });
      if (conversed === null) throw new Error(`${contender.name} measured nothing`);
      return conversed;
    },
    begin: async (conversation) => {
      await order({ kind: 'begin', conversation });
    },
    resume: async (conversation) => (await order({ kind: 'resume', conversation })).ended,
    acted: async (conversations) => {
      const all = new Promise<void>((resolve) => {
        onActed = () => conversations.every((one) => keys.has(one)) && resolve();
        onActed();
      });
      await within(all, ACTED_MS, `${contender.name} to act`);
      return keys;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    [Symbol.asyncDispose]: () => end(child, exited),
  };
}

/** The programs end when the channel closes; one that does not is ended. */
async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  if (child.exitCode === null && child.signalCode === null) await exited;
  clearTimeout(timer);
}

async function within<Value>(promise: Promise<Value>, limitMs: number, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms for ${what}`)), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
