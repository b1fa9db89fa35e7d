import type { HoldfastClient } from '../../src/client.ts';
import { randomOf } from '../live/random.ts';
import { type Speech, turnsOf } from './speech.ts';

/** One reply to one message. */
export interface Reply {
  readonly customer: number;
  readonly turn: number;
  /** On the clock of `performance.now`. */
  readonly sentAtMs: number;
  readonly tookMs: number;
  /** What it took beyond the model's own time. */
  readonly overheadMs: number;
}

export interface Customers {
  readonly replies: readonly Reply[];
  /** Messages that were not answered, or not with the words that the model was given for them. */
  readonly problems: readonly string[];
  /** Customers in a conversation now. */
  readonly live: () => number;
  /** Conversations that have begun so far. */
  readonly begun: () => number;
  /** Nobody says anything more; resolves when what was asked is answered. */
  stop(): Promise<void>;
}

const PROBLEMS_MAX = 20;
const REPLY_MS = 120_000;

/**
 * So many customers who come one after the other during `rampMs`, and then always talk: four messages each with time to
 * read and type between, and then a new conversation.
 */
export function bringCustomers(
  holdfast: HoldfastClient,
  {
    count,
    rampMs,
    speech,
    conversations,
    name,
  }: {
    readonly count: number;
    readonly rampMs: number;
    readonly speech: Speech;
    /** How many the model knows; nobody begins a further one. */
    readonly conversations: number;
    /** Begins the workflow ids. */
    readonly name: string;
  },
): Customers {
  const replies: Reply[] = [];
  const problems: string[] = [];
  const waits = new Set<() => void>();
  let stopped = false;
  let next = 0;
  let live = 0;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (stopped) return resolve();
      const end = () => {
        clearTimeout(timer);
        waits.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      waits.add(end);
    });

  const converse = async (customer: number): Promise<void> => {
    const conversation = next;
    next += 1;
    if (conversation >= conversations) throw new Error(`the model knows ${conversations} conversations only`);
    const workflowId = `${name}-${conversation}`;
    const by = `customer-${customer}`;
    for (const [turn, said] of turnsOf(speech, conversation).entries()) {
      await pause(said.thinkMs);
      if (stopped) return;
      const sentAtMs = performance.now();
      const message = { workflowId, by, text: said.text, id: `m${turn}` };
      const options = { timeoutMs: REPLY_MS };
      const reply =
        turn === 0
          ? await holdfast.sendOrStart(
              { ...message, start: { agent: 'talker', requester: { id: by } } },
              options,
            )
          : await holdfast.send(message, options);
      const tookMs = performance.now() - sentAtMs;
      if (reply.kind !== 'answered' || reply.text !== said.answer)
        throw new Error(
          `${workflowId}: message ${turn} was ${reply.kind}: ${reply.text?.slice(0, 80) ?? ''}`,
        );
      const ownMs = said.modelMs.reduce((sum, ms) => sum + ms, 0);
      replies.push({ customer, turn, sentAtMs, tookMs, overheadMs: tookMs - ownMs });
    }
    await holdfast.close({ workflowId, by });
  };

  const random = randomOf(speech.seed, name);
  const all = Array.from({ length: count }, async (_, customer) => {
    await pause(random() * rampMs);
    live += 1;
    while (!stopped)
      await converse(customer).catch((error: unknown) => {
        if (problems.length < PROBLEMS_MAX) problems.push(String(error));
        // A customer who was lost once would be lost again and again.
        stopped ||= problems.length >= PROBLEMS_MAX;
      });
    live -= 1;
  });
  return {
    replies,
    problems,
    live: () => live,
    begun: () => next,
    stop: async () => {
      stopped = true;
      for (const end of [...waits]) end();
      await Promise.all(all);
    },
  };
}
