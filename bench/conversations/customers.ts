import { type HoldfastClient, HoldfastError } from '../../src/client.ts';
import { type Speech, turnsOf } from './speech.ts';

/** What came of one message. */
export interface Reply {
  readonly customer: number;
  /** 0 begins a run. */
  readonly turn: number;
  /** On the clock of `performance.now`. */
  readonly sentAtMs: number;
  readonly tookMs: number;
  /** What it took beyond the model's own time. */
  readonly overheadMs: number;
  /** The customer left before it came: both times are the least they can be. */
  readonly late: boolean;
}

export interface Customers {
  readonly replies: readonly Reply[];
  /** Messages that were not answered with the words that the model was given for them. */
  readonly problems: readonly string[];
  /** Nobody says anything more; resolves when what was asked is answered. */
  stop(): Promise<void>;
}

const PROBLEMS_MAX = 20;
export const PATIENCE_MS = 120_000;

/**
 * So many customers who always talk: four messages each with time to read and type between, and then a new conversation.
 * Each is somewhere in one when they come.
 */
export function bringCustomers(
  holdfast: HoldfastClient,
  {
    count,
    speech,
    conversations,
    name,
  }: {
    readonly count: number;
    readonly speech: Speech;
    /** How many the model knows, those of `speech.joined` among them; nobody begins a further one. */
    readonly conversations: number;
    /** Begins the workflow ids. */
    readonly name: string;
  },
): Customers {
  const replies: Reply[] = [];
  const problems: string[] = [];
  const waits = new Set<() => void>();
  let stopped = false;
  // The first ones are those in which the customers are when they come.
  let next = count;

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

  const converse = async (customer: number, conversation: number): Promise<void> => {
    if (conversation >= conversations) throw new Error(`the model knows ${conversations} conversations only`);
    const workflowId = `${name}-${conversation}`;
    const by = `customer-${customer}`;
    for (const [turn, said] of turnsOf(speech, conversation).entries()) {
      await pause(said.thinkMs);
      if (stopped) return;
      const sentAtMs = performance.now();
      const message = { workflowId, by, text: said.text, id: `m${turn}` };
      const options = { timeoutMs: PATIENCE_MS };
      const asked =
        turn === 0
          ? holdfast.sendOrStart({ ...message, start: { agent: 'talker', requester: { id: by } } }, options)
          : holdfast.send(message, options);
      const reply = await asked.catch(noneInTime);
      const tookMs = performance.now() - sentAtMs;
      if (reply !== null && (reply.kind !== 'answered' || reply.text !== said.answer))
        throw new Error(
          `${workflowId}: message ${turn} was ${reply.kind}: ${reply.text?.slice(0, 80) ?? ''}`,
        );
      const ownMs = said.modelMs.reduce((sum, ms) => sum + ms, 0);
      const late = reply === null;
      replies.push({ customer, turn, sentAtMs, tookMs, overheadMs: tookMs - ownMs, late });
      if (late) break;
    }
    await holdfast.close({ workflowId, by });
  };

  const all = Array.from({ length: count }, async (_, customer) => {
    for (let conversation = customer; !stopped; conversation = next++)
      await converse(customer, conversation).catch((error: unknown) => {
        if (problems.length < PROBLEMS_MAX) problems.push(String(error));
        // A customer who was lost once would be lost again and again.
        stopped ||= problems.length >= PROBLEMS_MAX;
      });
  });
  return {
    replies,
    problems,
    stop: async () => {
      stopped = true;
      for (const end of [...waits]) end();
      await Promise.all(all);
    },
  };
}

/** Null for a reply that did not come in time: under too much load that is a finding. */
function noneInTime(error: unknown): null {
  if (error instanceof HoldfastError && error.code === 'timed_out') return null;
  throw error;
}
