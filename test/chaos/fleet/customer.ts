import { HoldfastError } from '../../../src/client/errors.ts';
import type { HoldfastClient } from '../../../src/client/holdfastClient.ts';
import type { Plan } from './mix.ts';
import { OutOfPatience, patiently, pause } from './patience.ts';

// One customer of a fleet: starts a run, says what they have to say, waits for the end, and notes what was
// acknowledged. What is not acknowledged they say again, with the same id.

const ANSWER_MS = 20_000;
const ASK_AGAIN_MS = 400;
const ROUNDS = 300;

/** A run, as its customer saw it. Times are of this machine's clock. */
export interface Noted {
  readonly plan: Plan;
  readonly askedAtMs: number;
  /** The server has taken the start. */
  startedAtMs: number | null;
  /** Messages that were acknowledged, by their text. */
  readonly heard: { readonly text: string; readonly atMs: number }[];
  endedAtMs: number | null;
  /** `completed`, `partial`, …; null while it has not ended. */
  outcome: string | null;
  /** Why the customer left before the end; null for one who did not. */
  left: string | null;
}

export function newNoted(plan: Plan): Noted {
  return {
    plan,
    askedAtMs: Date.now(),
    startedAtMs: null,
    heard: [],
    endedAtMs: null,
    outcome: null,
    left: null,
  };
}

export interface Patience {
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** Resolves when the run has ended, or the customer has left. Never rejects: what went wrong is noted. */
export async function beCustomer(
  holdfast: HoldfastClient,
  noted: Noted,
  { patienceMs, signal }: Patience,
): Promise<void> {
  const { plan } = noted;
  const { workflowId } = plan;
  const untilMs = Date.now() + patienceMs;
  const persist = <Result>(what: string, work: () => Promise<Result>) =>
    patiently(`${workflowId}: ${what}`, { untilMs, signal }, work);
  const hear = (text: string) => {
    if (!noted.heard.some((one) => one.text === text)) noted.heard.push({ text, atMs: Date.now() });
  };
  try {
    const [opening] = plan.messages;
    if (opening === undefined) throw new Error('a plan without a message');
    const talks = plan.kind === 'chat';
    await persist('start', () => start(holdfast, plan));
    noted.startedAtMs = Date.now();
    if (talks) await talk(holdfast, plan, { persist, hear, untilMs, signal });
    // The opening went with the start.
    else hear(opening.text);
    const result = await persist('result', () =>
      holdfast.result(workflowId, { timeoutMs: ANSWER_MS, signal }),
    );
    noted.outcome = result.outcome;
    noted.endedAtMs = Date.now();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    noted.left = error instanceof OutOfPatience ? words : `it failed: ${words}`;
  }
}

async function start(holdfast: HoldfastClient, plan: Plan): Promise<void> {
  const { workflowId, kind, limits } = plan;
  const talks = kind === 'chat';
  try {
    await holdfast.start(
      {
        agent: 'clerk',
        requester: { id: `customer-${plan.ordinal}` },
        limits,
        ...(talks ? {} : { message: plan.messages[0]?.text ?? '', once: true }),
      },
      { workflowId, whenRunning: 'use', whenEnded: 'refuse' },
    );
  } catch (error) {
    // A start that was heard, and not acknowledged in time, may have been quick.
    if (!(error instanceof HoldfastError && error.code === 'already_started')) throw error;
  }
}

interface Talk {
  readonly persist: <Result>(what: string, work: () => Promise<Result>) => Promise<Result>;
  readonly hear: (text: string) => void;
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

/** Says one thing after the other. The last one is left first (`post`) and then asked for with the same id. */
async function talk(
  holdfast: HoldfastClient,
  plan: Plan,
  { persist, hear, untilMs, signal }: Talk,
): Promise<void> {
  const { workflowId, messages } = plan;
  const by = `customer-${plan.ordinal}`;
  for (const [i, { id, text }] of messages.entries()) {
    const message = { workflowId, id, text, by };
    if (i === messages.length - 1) {
      await persist(`post ${id}`, () => holdfast.post(message));
      hear(text);
    }
    for (let round = 0; round < ROUNDS; round++) {
      const options = { timeoutMs: ANSWER_MS, round, signal };
      const reply = await persist(`send ${id}`, () => holdfast.send(message, options));
      hear(text);
      if (reply.kind !== 'waiting' && reply.kind !== 'landed') break;
      if (Date.now() > untilMs) throw new OutOfPatience(`${workflowId}: ${id} is still ${reply.kind}`);
      await pause(ASK_AGAIN_MS);
    }
  }
  await persist('close', () => holdfast.close({ workflowId, by }));
}
