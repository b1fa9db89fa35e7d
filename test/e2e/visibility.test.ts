import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { handOverSignal } from '../../src/workflows/messages.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { ASK_ALL, call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';
import { openRequest } from './peopleFacts.ts';

// What operators ask the server itself: the most expensive failures of last week, by typed search attributes.

const DEAR = { inputTokens: 20_000, outputTokens: 500 };

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [
      labAgent([readTool('look'), effectTool('note')], {
        policy: ASK_ALL,
        limits: { tokensPerRun: 1_000_000, costMicroUsdPerRun: 10_000_000 },
      }),
    ],
    conversations: [
      script('dear', [
        { ...call('look', '1'), usage: DEAR },
        { ...call('look', '2'), usage: DEAR },
        call('note'),
      ]),
      script('cheap', [call('note')]),
      script('good', [{ ...say('done'), usage: { inputTokens: 200_000 } }]),
    ],
  });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** Two that people take over, one that nobody can begin, and one with nothing wrong about it that costs most of all. */
async function playWeek() {
  const begin = (message: string, more: { readonly agent?: string; readonly once?: boolean } = {}) =>
    lab.start({ agent: 'lab', once: true, requester: { id: `customer of ${message}` }, message, ...more });
  const [dear, cheap, failed, good] = await Promise.all([
    begin('dear'),
    begin('cheap', { once: false }),
    begin('failed', { agent: 'nobody' }),
    begin('good'),
  ]);
  for (const handle of [dear, cheap]) {
    await openRequest(lab, handle);
    await handle.signal(handOverSignal, { by: 'olga', reason: 'a test' });
  }
  await Promise.all([dear, cheap, failed, good].map((handle) => handle.result()));
  return { dear, cheap, failed, good };
}

/** What the server lists for a query about this lab's runs. The dearest first, by us: only some servers take ORDER BY. */
async function list(query: string): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  const mine = `TaskQueue = '${lab.config.taskQueue}'`;
  for await (const { workflowId, typedSearchAttributes } of lab.client.workflow.list({
    query: `${mine} AND ${query}`,
  }))
    found.push({
      workflowId,
      attributes: Object.fromEntries(
        typedSearchAttributes
          .getAll()
          .flatMap(({ key, value }) => (key.name in SEARCH_ATTRIBUTES ? [[key.name, value]] : [])),
      ),
    });
  const cost = ({ attributes }: Listed) => Number(attributes.HoldfastCostMicroUsd);
  return found.sort((a, b) => cost(b) - cost(a));
}

interface Listed {
  readonly workflowId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** By the store's own books. */
async function booksOf({ workflowId }: Handle) {
  const [row] = await lab.sql<{ cost: number; answers: number; release: string | null }[]>`
    select coalesce(sum(m.cost_micro_usd), 0)::float8 as cost, count(m.id)::int as answers, r.release
    from runs r left join model_attempts m using (run) where r.workflow_id = ${workflowId} group by r.run`;
  return row ?? { cost: 0, answers: 0, release: null };
}

test("last week's most expensive failures, with everything that is said of each", async () => {
  const { dear, cheap, failed, good } = await playWeek();
  const weekAgo = new Date(Date.now() - 7 * 86_400_000).toISOString();
  const failures = `CloseTime > '${weekAgo}' AND HoldfastOutcome IN ('failed', 'escalated')`;
  // The server's index follows its runs.
  await until('every end', async () => (await list(`HoldfastState = 'ended'`)).length === 4);
  const listed = await list(failures);
  expect(listed.map(({ workflowId }) => workflowId)).toEqual(
    [dear, cheap, failed].map(({ workflowId }) => workflowId),
  );
  const books = await booksOf(dear);
  expect(books).toMatchObject({ answers: 3, release: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(books.cost).toBeGreaterThan((await booksOf(cheap)).cost);
  const escalated = {
    HoldfastAgent: 'lab',
    HoldfastRelease: books.release,
    HoldfastState: 'ended',
    HoldfastOutcome: 'escalated',
    HoldfastReason: 'handed_over',
  };
  expect(listed.map(({ attributes }) => attributes)).toEqual([
    {
      ...escalated,
      HoldfastRequester: 'customer of dear',
      HoldfastTaskType: 'single',
      HoldfastCostMicroUsd: books.cost,
      HoldfastIterations: 3,
    },
    {
      ...escalated,
      HoldfastRequester: 'customer of cheap',
      HoldfastTaskType: 'conversation',
      HoldfastCostMicroUsd: (await booksOf(cheap)).cost,
      HoldfastIterations: 1,
    },
    {
      HoldfastAgent: 'nobody',
      HoldfastState: 'ended',
      HoldfastOutcome: 'failed',
      HoldfastReason: 'unknown_agent',
      HoldfastRequester: 'customer of failed',
      HoldfastTaskType: 'single',
      HoldfastCostMicroUsd: 0,
      HoldfastIterations: 0,
    },
  ]);
  const names = new Set(listed.flatMap(({ attributes }) => Object.keys(attributes)));
  expect([...names].sort()).toEqual(Object.keys(SEARCH_ATTRIBUTES).sort());

  // Each of them can be asked for by itself.
  const only = async (query: string) => (await list(query)).map(({ workflowId }) => workflowId);
  expect(await only(`${failures} AND HoldfastCostMicroUsd >= ${books.cost}`)).toEqual([dear.workflowId]);
  expect(await only(`HoldfastIterations = 3`)).toEqual([dear.workflowId]);
  expect(await only(`HoldfastTaskType = 'conversation'`)).toEqual([cheap.workflowId]);
  expect(await only(`HoldfastRequester = 'customer of good'`)).toEqual([good.workflowId]);
  expect(await only(`HoldfastReason = 'unknown_agent'`)).toEqual([failed.workflowId]);
  expect(await only(`HoldfastRelease = '${books.release}' AND HoldfastOutcome = 'completed'`)).toEqual([
    good.workflowId,
  ]);
});
