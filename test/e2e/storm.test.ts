import { expect, inject, test } from 'vitest';
import { createCircuits } from '../../src/models/circuit.ts';
import { costMicroUsd } from '../../src/models/prices.ts';
import type { Step } from '../../src/models/scripted/conversation.ts';
import { type Lab, openLab, until } from './lab.ts';
import { call, labAgent, readTool, say, script } from './labAgent.ts';

const RUNS = 20;
const CALLS = 8;
/** Requests for each answered call, at most. */
const MOST = 1.2;
const USAGE = { inputTokens: 1_000, outputTokens: 100 };

const steps: readonly Step[] = [
  ...Array.from({ length: CALLS - 1 }, (_, i) => ({ ...call('look', String(i)), usage: USAGE })),
  { ...say('all seen'), usage: USAGE },
];
const conversations = Array.from({ length: RUNS }, (_, i) => script(`storm ${i}`, steps));

/** Refusals so far, and for how long the model has been refusing. */
async function refusals(lab: Lab) {
  const [row] = await lab.sql<{ n: number; seconds: number }[]>`
    select count(*)::int as n, coalesce(extract(epoch from max(opened_at) - min(opened_at)), 0)::float8 as seconds
    from model_attempts where failure in ('model_rate_limited', 'model_overloaded')`;
  return row ?? { n: 0, seconds: 0 };
}

test('twenty runs go through a storm of 429 and 529: few requests more than answers, every run answered, every cent right', async () => {
  await using lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent([readTool('look')])],
    conversations,
    // The shape of a worker's circuits, in a shorter time.
    circuits: createCircuits({
      nowMs: () => performance.now(),
      random: Math.random,
      limits: { openFirstMs: 150, openMaxMs: 600 },
    }),
  });
  const handles = await Promise.all(
    conversations.map(({ opening }) =>
      lab.start({ agent: 'lab', message: opening, once: true, requester: { id: 'customer' } }),
    ),
  );
  await until('the first answers', async () => {
    const [row] = await lab.sql<{ n: number }[]>`select count(*)::int as n from answers`;
    return (row?.n ?? 0) >= RUNS;
  });
  for (let i = 0; i < 1_000; i += 1)
    lab.model.inject({ kind: 'http', status: i % 3 === 0 ? 429 : 529, retryAfterSeconds: 0.2 });
  const storm = await until('a storm of some seconds', async () => {
    const seen = await refusals(lab);
    return seen.seconds >= 4 && seen;
  });
  lab.model.calm();

  const results = await Promise.all(handles.map((handle) => handle.result()));
  for (const result of results) expect(result).toMatchObject({ outcome: 'completed', answer: 'all seen' });

  const [sums] = await lab.sql<{ attempts: number; answered: number; settled: number; booked: number }[]>`
      select count(*)::int as attempts, (select count(*)::int from answers) as answered,
        count(*) filter (where state = 'settled' and failure is null)::int as settled,
        sum(cost_micro_usd)::int as booked
      from model_attempts`;
  const { attempts = 0, answered = 0, settled = 0, booked = 0 } = sums ?? {};
  const refused = await refusals(lab);
  console.log(
    `${lab.model.requests} requests for ${answered} answers (${(lab.model.requests / answered).toFixed(2)}), ${refused.n} refused in ${storm.seconds.toFixed(1)} s`,
  );
  expect(refused.n).toBeGreaterThanOrEqual(5);
  expect([answered, settled]).toEqual([RUNS * CALLS, RUNS * CALLS]);
  expect(lab.model.requests / answered).toBeLessThanOrEqual(MOST);
  // Every request has its row, refused ones cost nothing, and the runs know the sum.
  expect(attempts).toBe(lab.model.requests);
  expect(settled + refused.n).toBe(attempts);
  const usage = { ...USAGE, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0, cacheReadTokens: 0 };
  const each = costMicroUsd('claude-sonnet-5-5', usage, new Date());
  expect(booked).toBe(RUNS * CALLS * each);
  const runs = await lab.sql<{ cost: number }[]>`select cost_micro_usd as cost from runs`;
  expect(runs.map(({ cost }) => cost)).toEqual(Array.from({ length: RUNS }, () => CALLS * each));
  expect(lab.model.problems).toEqual([]);
}, 180_000);
