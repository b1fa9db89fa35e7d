import type { Sql } from '../../src/store/connection.ts';

// Whether the model was paid for what it answered, once: by attempts, answers and the rows of runs.

export interface PayBooks {
  readonly attempts: number;
  readonly answers: number;
  /** Refused, cut off, given up: tries without an answer. */
  readonly failed: number;
  /** Tries whose cost nobody knows, booked in full. */
  readonly bookedUnknown: number;
  readonly problems: readonly string[];
}

/** Call it when every run has ended. `requests`: what the model has received; each must have its row. */
export async function readPayBooks(sql: Sql, requests: number): Promise<PayBooks> {
  const [sums] = await sql<
    {
      attempts: number;
      failed: number;
      unknown: number;
      open: number;
      spent: number;
      answers: number;
      run: number;
    }[]
  >`
    select count(*)::int as attempts, count(failure)::int as failed,
      count(*) filter (where state = 'booked_unknown')::int as unknown,
      count(*) filter (where state = 'open')::int as open, coalesce(sum(cost_micro_usd), 0)::bigint as spent,
      (select count(*)::int from answers) as answers,
      (select coalesce(sum(cost_micro_usd), 0)::bigint from runs) as run
    from model_attempts`;
  const unpaired = await sql<{ run: string; step: number; purpose: string; paid: number; answers: number }[]>`
    select coalesce(p.run, a.run) as run, coalesce(p.step, a.step) as step, coalesce(p.purpose, a.purpose) as purpose,
      coalesce(p.paid, 0)::int as paid, coalesce(a.answers, 0)::int as answers
    from (select run, step, purpose, count(*) as paid from model_attempts
        where state = 'settled' and failure is null group by 1, 2, 3) p
      full join (select run, step, purpose, count(*) as answers from answers group by 1, 2, 3) a
        on (a.run, a.step, a.purpose) = (p.run, p.step, p.purpose)
    where coalesce(p.paid, 0) <> 1 or coalesce(a.answers, 0) <> 1`;
  const { attempts = 0, failed = 0, unknown = 0, open = 0, spent = 0, answers = 0, run = 0 } = sums ?? {};
  return {
    attempts,
    answers,
    failed,
    bookedUnknown: unknown,
    problems: [
      ...unpaired.map(
        (one) =>
          `${one.run}, step ${one.step} (${one.purpose}): ${one.paid} attempts were paid for ${one.answers} answers`,
      ),
      ...(open > 0 ? [`${open} reservations were never settled`] : []),
      ...(attempts < requests
        ? [`${requests} requests were made and ${attempts} attempts are on the books`]
        : []),
      ...(spent !== run ? [`attempts cost ${spent} micro-dollars, and runs say ${run}`] : []),
    ],
  };
}
