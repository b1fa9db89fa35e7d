import { type RouteClock, takeRoute } from '../../../src/activities/route.ts';
import type { Failure } from '../../../src/core/errors.ts';
import { retryable } from '../../../src/core/errors.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { type Circuits, createCircuits } from '../../../src/models/circuit.ts';
import type { ModelTries } from '../../../src/models/routes.ts';

// A storm in simulated time: real routes and circuits, a pretended engine and model API around them.

export interface Storm {
  readonly seed: number;
  readonly workers: number;
  readonly runs: number;
  readonly callsPerRun: number;
  readonly chain: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  /** What the model API says to a call; null for an answer. */
  readonly says: (call: {
    readonly model: string;
    readonly atMs: number;
    readonly stormy: boolean;
    readonly random: () => number;
  }) => Failure | null;
  /** Default: those of a worker. */
  readonly circuits?: (nowMs: () => number, random: () => number) => Circuits;
}

export interface Weather {
  readonly requests: number;
  readonly answered: number;
  /** Requests for each answered call. */
  readonly ratio: number;
  /** Answers by model. */
  readonly by: Readonly<Record<string, number>>;
  /** From the end of the storm to the first answer of its model, and to the last of the runs that it had stopped. */
  readonly firstAnswerMs: number;
  readonly recoveredMs: number;
  readonly lastedMs: number;
  /** Times that a run was parked as an outage. */
  readonly outages: number;
  /** Models of each run in the order of its answers. */
  readonly paths: readonly (readonly string[])[];
}

/** The engine's own wait before attempt `n + 1`. */
const backoffMs = (n: number): number => 1_000 * 2 ** (n - 1);

export async function weather(storm: Storm): Promise<Weather> {
  const random = seeded(storm.seed);
  const time = simulatedTime();
  const build = storm.circuits ?? ((nowMs, chance) => createCircuits({ nowMs, random: chance }));
  const workers = Array.from({ length: storm.workers }, () => build(time.nowMs, random));
  const clock: RouteClock = { nowMs: time.nowMs, pause: time.sleep };
  const by: Record<string, number> = {};
  let requests = 0;
  let outages = 0;
  let firstAnswerMs = Number.POSITIVE_INFINITY;
  let recoveredMs = 0;

  /** One attempt of the activity, on whichever worker takes it. */
  const attempt = async (own: string | null, tries: Map<string, ModelTries>): Promise<string | Failure> => {
    const circuits = workers[Math.floor(random() * workers.length)];
    if (circuits === undefined) throw new Error('there is no worker');
    const taken = await takeRoute(
      { circuits, openBreakers: async () => new Set() },
      {
        chain: storm.chain,
        patienceMs: LIMITS.routeWaitMs,
        own,
        tries: [...tries.values()],
        last: false,
        clock,
      },
    );
    if (taken.kind === 'blocked') return taken.failure;
    const { route } = taken;
    requests += 1;
    const stormy = time.nowMs() >= storm.fromMs && time.nowMs() < storm.untilMs;
    const failure = storm.says({ model: route.model, atMs: time.nowMs(), stormy, random });
    await time.sleep(failure === null ? 2_000 + 4_000 * random() : 100);
    if (failure === null) {
      route.answered();
      return route.model;
    }
    const known = tries.get(route.model) ?? { model: route.model, failed: 0, refused: 0 };
    tries.set(route.model, { ...known, failed: known.failed + 1 });
    return route.failed(failure);
  };

  /** One step: attempts with the engine's waits, and an outage between two times of all attempts. */
  const step = async (own: string | null): Promise<string> => {
    const tries = new Map<string, ModelTries>();
    for (;;) {
      for (let n = 1; n <= LIMITS.modelAttempts; n += 1) {
        const result = await attempt(own, tries);
        if (typeof result === 'string') return result;
        if (result.kind === 'terminal') throw new Error(result.message);
        if (n < LIMITS.modelAttempts) await time.sleep(result.retryAfterMs ?? backoffMs(n));
      }
      outages += 1;
      await time.sleep(LIMITS.outageRetryMs);
    }
  };

  const run = async (): Promise<readonly string[]> => {
    const path: string[] = [];
    await time.sleep(60_000 * random());
    for (let i = 0; i < storm.callsPerRun; i += 1) {
      const askedMs = time.nowMs();
      const model = await step(path.at(-1) ?? null);
      path.push(model);
      by[model] = (by[model] ?? 0) + 1;
      const afterMs = time.nowMs() - storm.untilMs;
      if (afterMs >= 0 && model === storm.chain[0]) firstAnswerMs = Math.min(firstAnswerMs, afterMs);
      if (afterMs >= 0 && askedMs < storm.untilMs) recoveredMs = Math.max(recoveredMs, afterMs);
      await time.sleep(1_000 + 9_000 * random());
    }
    return path;
  };

  const paths = await time.through(Promise.all(Array.from({ length: storm.runs }, run)));
  const answered = paths.flat().length;
  return {
    requests,
    answered,
    ratio: requests / answered,
    by,
    firstAnswerMs,
    recoveredMs,
    lastedMs: time.nowMs(),
    outages,
    paths,
  };
}

/** Lets every call through: what there would be without circuits. */
export function noCircuits(): Circuits {
  const pass = { answered: () => undefined, failed: () => undefined, leave: () => undefined };
  return { admit: () => ({ kind: 'go', pass }), spread: (waitMs) => waitMs };
}

export const overloaded = retryable('model_overloaded', 'overloaded', 15_000);
export const limited = (retryAfterMs: number): Failure =>
  retryable('model_rate_limited', 'limited', retryAfterMs);

export function seeded(seed: number): () => number {
  let state = (seed * 2_654_435_761) % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state - 1) / 2_147_483_646;
  };
}

/** A clock that moves only when everybody waits for it. */
function simulatedTime() {
  let nowMs = 0;
  let order = 0;
  const sleepers: { readonly atMs: number; readonly order: number; readonly wake: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    sleep: (waitMs: number) =>
      new Promise<void>((wake) => {
        sleepers.push({ atMs: nowMs + waitMs, order: order++, wake });
      }),
    async through<Value>(work: Promise<Value>): Promise<Value> {
      let over = false;
      const end = () => {
        over = true;
      };
      work.then(end, end);
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        if (over) return work;
        sleepers.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
        const next = sleepers.shift();
        if (next === undefined) throw new Error('everybody waits for something that is not time');
        nowMs = next.atMs;
        next.wake();
      }
    },
  };
}
