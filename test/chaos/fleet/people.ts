import type { HoldfastClient } from '../../../src/client/holdfastClient.ts';
import type { Decision } from '../../../src/core/approvals.ts';
import type { Sql } from '../../../src/store/connection.ts';
import type { DecisionNote } from '../decisionNote.ts';
import type { Payments } from '../payments.ts';
import { EDITED, type Mind } from './mix.ts';
import { isPassing, pause } from './patience.ts';

// The people of a fleet: they look into the inbox and decide what is open, each request once. What they know of
// effects that nobody knows, they read in the payment service's books.

const LOOK_MS = 150;
const AT_ONCE = 10;
const LOOK_TIMEOUT_MS = 5_000;
/** No policy names them. */
const PASSER_BY = 'passer-by';

/** A decision that the server has acknowledged: from then on it must not be lost. */
export interface Decided {
  readonly approval: string;
  readonly workflowId: string;
  readonly kind: Decision['kind'];
  readonly atMs: number;
}

export interface People {
  readonly decided: readonly Decided[];
  /** What was said, in whoever's name, before it was sent. */
  readonly notes: readonly DecisionNote[];
  /** What somebody else says to a request, who is none of them. */
  note(note: DecisionNote): void;
  /** What they could not say to a run, in words; the store or the server being away is not among it. */
  readonly problems: readonly string[];
  stop(): Promise<void>;
}

interface Request {
  readonly id: string;
  readonly kind: 'call' | 'question' | 'reconcile' | 'landing' | 'pause';
  readonly key: string;
  readonly workflow_id: string;
  readonly args_hash: string | null;
}

/** `mindOf`: what they think of the first request of a run; later ones they approve. */
export function startPeople(given: {
  readonly sql: Sql;
  readonly holdfast: HoldfastClient;
  readonly payments: Payments;
  readonly mindOf: (workflowId: string) => Mind;
}): People {
  const { sql, holdfast, payments, mindOf } = given;
  const decided: Decided[] = [];
  const problems: string[] = [];
  const notes: DecisionNote[] = [];
  const settled = new Set<string>();
  const say = async (request: Request, by: string, decision: ReturnType<typeof decisionOn>) => {
    notes.push({
      approval: request.id,
      by,
      kind: decision.kind,
      argsHash: request.args_hash,
      atMs: Date.now(),
    });
    await holdfast.decide({ workflowId: request.workflow_id, by, channel: 'fleet', ...decision });
  };
  let over = false;
  const decide = async (request: Request) => {
    try {
      const decision = decisionOn(request, mindOf(request.workflow_id), payments);
      // Before a no somebody says yes who may not: what is executed then was executed against everybody's word.
      if (request.kind === 'call' && decision.kind === 'reject')
        await say(request, PASSER_BY, { approval: request.id, kind: 'approve' });
      await say(request, 'boss', decision);
      decided.push({
        approval: request.id,
        workflowId: request.workflow_id,
        kind: decision.kind,
        atMs: Date.now(),
      });
      settled.add(request.id);
    } catch (error) {
      // While the server is away it is said again; a run that is over has no use for it.
      if (isPassing(error)) return;
      settled.add(request.id);
      problems.push(`${request.id} could not be decided: ${error instanceof Error ? error.message : error}`);
    }
  };
  const attend = async () => {
    while (!over) {
      const open = await within(
        sql<
          Request[]
        >`select id, kind, key, workflow_id, args_hash from approvals where state = 'open' order by opened_at`,
      ).catch(() => []);
      const waiting = open
        .filter((one) => !settled.has(one.id) && mindOf(one.workflow_id) !== 'absent')
        .slice(0, AT_ONCE);
      await Promise.all(waiting.map(decide));
      if (waiting.length < AT_ONCE) await pause(LOOK_MS);
    }
  };
  const attending = attend();
  return {
    decided,
    notes,
    note: (note) => {
      notes.push(note);
    },
    problems,
    stop: async () => {
      over = true;
      await attending;
    },
  };
}

function decisionOn(
  request: Request,
  mind: Mind,
  payments: Payments,
): Pick<Decision, 'approval' | 'kind' | 'answer' | 'arguments' | 'reason'> {
  const approval = request.id;
  switch (request.kind) {
    case 'call': {
      const first = request.id.endsWith('/1');
      if (!first || mind === 'approve') return { approval, kind: 'approve' };
      return mind === 'reject'
        ? { approval, kind: 'reject', reason: 'not this one' }
        : { approval, kind: 'edit', arguments: EDITED };
    }
    case 'reconcile':
      return payments.of(request.key).acts > 0
        ? { approval, kind: 'answer', answer: { outcome: 'happened', result: 'paid' } }
        : { approval, kind: 'answer', answer: { outcome: 'did_not' } };
    case 'question':
      return { approval, kind: 'answer', answer: 'I do not know' };
    case 'landing':
    case 'pause':
      return mind === 'reject' ? { approval, kind: 'reject' } : { approval, kind: 'approve' };
    default:
      return request.kind satisfies never;
  }
}

/** A connection that is cut without a word would keep people looking for ever. */
async function within<Result>(work: PromiseLike<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the store does not answer')), LOOK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
