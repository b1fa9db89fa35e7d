import type { Sql } from '../../../src/store/connection.ts';
import { decideSignal } from '../../../src/workflows/messages.ts';
import type { Lab } from '../../e2e/lab.ts';
import type { DecisionNote } from '../decisionNote.ts';
import type { Payments } from '../payments.ts';

interface Open {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly workflow_id: string;
  readonly args_hash: string | null;
}

const LOOK_MS = 100;

/** People who say yes, and look into the books when they are asked what happened. */
export interface People extends AsyncDisposable {
  /** Everything they have said, of every run. */
  readonly decisions: readonly DecisionNote[];
  /** From now on this workflow is answered. */
  answer(workflowId: string): void;
  /** From now on everybody is answered. */
  goOn(): void;
}

export interface Habits {
  /** How many requests of a workflow are answered before `goOn`; without a number, all of them. */
  readonly answersFor?: ReadonlyMap<string, number>;
  /** What did not happen is not tried again. */
  readonly givesUp?: boolean;
}

export function openPeople(
  lab: Lab,
  payments: Payments,
  { answersFor = new Map(), givesUp = false }: Habits = {},
): People {
  const answered = new Map<string, string>();
  const decisions: DecisionNote[] = [];
  const free = new Set<string>();
  let over = false;
  let limited = true;
  const mayAnswer = ({ id, workflow_id }: Open) => {
    if (answered.has(id)) return false;
    const said = [...answered.values()].filter((one) => one === workflow_id).length;
    return (
      !limited || free.has(workflow_id) || said < (answersFor.get(workflow_id) ?? Number.POSITIVE_INFINITY)
    );
  };
  const attend = async () => {
    while (!over) {
      for (const open of (await readOpen(lab.sql)).filter(mayAnswer)) {
        answered.set(open.id, open.workflow_id);
        const decision = decisionOn(payments, open, givesUp);
        const { kind, by } = decision;
        decisions.push({ approval: open.id, by, kind, argsHash: open.args_hash, atMs: Date.now() });
        await lab.client.workflow.getHandle(open.workflow_id).signal(decideSignal, decision);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  const attending = attend();
  // Whoever waits for a run says so in better words.
  attending.catch(() => undefined);
  return {
    decisions,
    answer: (workflowId) => {
      free.add(workflowId);
    },
    goOn: () => {
      limited = false;
    },
    [Symbol.asyncDispose]: async () => {
      over = true;
      await attending.catch(() => undefined);
    },
  };
}

/** Nothing before the first worker has made the tables. */
async function readOpen(sql: Sql): Promise<readonly Open[]> {
  const [there] = await sql<{ there: boolean }[]>`select to_regclass('approvals') is not null as there`;
  if (there?.there !== true) return [];
  return sql<
    Open[]
  >`select id, kind, coalesce(key, '') as key, workflow_id, args_hash from approvals where state = 'open'`;
}

function decisionOn(payments: Payments, { id, kind, key }: Open, givesUp: boolean) {
  const said = { approval: id, by: 'boss', channel: 'test' } as const;
  if (kind !== 'reconcile') return { ...said, kind: 'approve' } as const;
  const happened = payments.of(key).acts > 0;
  const answer = happened
    ? { outcome: 'happened', result: 'paid' }
    : { outcome: givesUp ? 'give_up' : 'did_not' };
  return { ...said, kind: 'answer', answer } as const;
}
