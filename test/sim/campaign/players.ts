import { type ChildProcess, fork } from 'node:child_process';
import { type Bundle, bundleWorkflows, unguarded } from '../driver.ts';
import { PORTION, type Portion, playPortion } from './campaign.ts';
import { newTally } from './tally.ts';

// Who plays the programs: this process, or others beside it. What comes of them is the same.

export interface Player {
  readonly play: (portion: number) => Promise<Portion>;
  readonly stop: () => void;
}

/** The workflows as they are, without the limit on an activation's time: what loops is ended by the watch below. */
export async function campaignBundle(): Promise<Bundle> {
  return unguarded(
    await bundleWorkflows(new URL('../../../src/workflows/index.ts', import.meta.url).pathname),
  );
}

export function ownPlayer(bundle: Bundle, seed: number): Player {
  return { play: (portion) => playPortion(bundle, seed, portion), stop: () => undefined };
}

/** A portion takes seconds; one that takes longer holds a program that loops. */
const PORTION_MS = 180_000;
/** A process that has played this many portions is replaced: the VM keeps a little of every run. */
const PORTIONS_OF_A_PROCESS = 200;

/** A process of its own, started when it is needed first and replaced now and then. */
export function processPlayer(seed: number): Player {
  let child: ChildProcess | null = null;
  let played = 0;
  const stop = () => {
    child?.kill('SIGKILL');
    child = null;
    played = 0;
  };
  const play = async (portion: number): Promise<Portion> => {
    if (played >= PORTIONS_OF_A_PROCESS) stop();
    played += 1;
    child ??= fork(new URL('worker.ts', import.meta.url), [String(seed)], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const outcome = await ask(child, portion);
    if (outcome.kind === 'played') return outcome.portion;
    stop();
    return lostPortion(portion, outcome.why);
  };
  return { play, stop };
}

type Outcome =
  | { readonly kind: 'played'; readonly portion: Portion }
  | { readonly kind: 'lost'; readonly why: string };

function ask(child: ChildProcess, portion: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome) => {
      clearTimeout(watch);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(outcome);
    };
    const onMessage = (message: unknown) => settle({ kind: 'played', portion: message as Portion });
    const onExit = (code: number | null, signal: string | null) =>
      settle({ kind: 'lost', why: `their process ended (${code ?? signal})` });
    const watch = setTimeout(
      () => settle({ kind: 'lost', why: `they took more than ${PORTION_MS / 1_000} s` }),
      PORTION_MS,
    );
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send(portion);
  });
}

function lostPortion(portion: number, why: string): Portion {
  const tally = newTally();
  const from = portion * PORTION;
  const violation = `V5: one of the programs ${from} to ${from + PORTION - 1} does not come back: ${why}`;
  tally.failed.push({ program: from, violation });
  return { portion, tally, states: [] };
}
