import { HoldfastError } from '../../../src/client/errors.ts';
import { until } from '../../e2e/lab.ts';
import { APPROVERS } from '../fleet/clerk.ts';
import { type Fleet, openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import { type Plan, planOf } from '../fleet/mix.ts';
import { patiently } from '../fleet/patience.ts';
import type { Campaign } from './campaign.ts';
import { decisionProblems, messageProblems, startProblems } from './sameKey.ts';
import { reportOf } from './storm.ts';

const TIMES = 50;
const KEYS = { quick: 2, full: 20 };
const PATIENCE_MS = 120_000;
const [BOSS, ...DEPUTIES] = APPROVERS;

export const r9: Campaign = {
  id: 'R9',
  promise: `The same start, the same message and the same decision ${TIMES} times at once count once`,
  run: async ({ quick, seed, addresses, progress }) => {
    const keys = quick ? KEYS.quick : KEYS.full;
    await using fleet = await openFleet({ addresses: await addresses(), seed, workers: 1 });
    const problems: string[] = [];
    for (let key = 1; key <= keys; key++) {
      problems.push(
        ...(await sameStart(fleet, key * 10)),
        ...(await sameMessage(fleet, key * 10 + 1)),
        ...(await sameDecision(fleet, key * 10 + 2)),
      );
      progress(`${key} of ${keys} keys, each three times ${TIMES}`);
    }
    const verdict = await judge(fleet, { runsAtLeast: keys * 3, effectsAtLeast: keys * 3 });
    return reportOf({ faults: keys * 3 * TIMES, recoveryMs: [], outageMs: [], problems }, verdict);
  },
};

function plan(fleet: Fleet, ordinal: number, kind: 'keyed' | 'chat' | 'asked'): Plan {
  const { seed, name } = fleet;
  return {
    ...planOf({ seed, ordinal, name, mix: { [kind]: 1 } }),
    mind: kind === 'asked' ? 'absent' : 'approve',
  };
}

const at = (workflowId: string) => (problem: string) => `${workflowId}: ${problem}`;
const all = <Result>(work: (i: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: TIMES }, (_, i) => work(i)));

/** Half of them wait for the run that is there, half are refused; a start after its end is refused as well. */
async function sameStart(fleet: Fleet, ordinal: number): Promise<readonly string[]> {
  const noted = fleet.expect(plan(fleet, ordinal, 'keyed'));
  const { workflowId, messages } = noted.plan;
  const input = {
    agent: 'clerk',
    message: messages[0]?.text ?? '',
    once: true,
    requester: { id: 'customer' },
  };
  const untilMs = Date.now() + PATIENCE_MS;
  const start = (i: number) =>
    patiently('start', { untilMs }, async () => {
      try {
        const whenRunning = i % 2 === 0 ? 'use' : 'fail';
        await fleet.holdfast.start(input, { workflowId, whenRunning, whenEnded: 'refuse' });
        return 'taken';
      } catch (error) {
        if (error instanceof HoldfastError && error.code === 'already_started') return error.code;
        throw error;
      }
    });
  const answers = await all(start);
  noted.startedAtMs = Date.now();
  const result = await fleet.holdfast.result(workflowId, { timeoutMs: PATIENCE_MS });
  noted.outcome = result.outcome;
  noted.endedAtMs = Date.now();
  noted.heard.push({ text: input.message, atMs: noted.startedAtMs });
  const late = await start(0);
  const executions = await executionsOf(fleet, workflowId);
  return startProblems({ answers, late, executions }).map(at(workflowId));
}

/** The last message of a conversation, by as many senders with one id: each gets the answer. */
async function sameMessage(fleet: Fleet, ordinal: number): Promise<readonly string[]> {
  const noted = fleet.expect(plan(fleet, ordinal, 'chat'));
  const { workflowId, messages } = noted.plan;
  const by = 'customer';
  await fleet.holdfast.start({ agent: 'clerk', requester: { id: by } }, { workflowId });
  noted.startedAtMs = Date.now();
  const untilMs = Date.now() + PATIENCE_MS;
  const problems: string[] = [];
  for (const { id, text } of messages) {
    const replies = await all((i) =>
      patiently('send', { untilMs }, async () => {
        if (i % 5 === 4) {
          await fleet.holdfast.post({ workflowId, id, text, by });
          return null;
        }
        return fleet.holdfast.send({ workflowId, id, text, by }, { timeoutMs: 20_000 });
      }),
    );
    noted.heard.push({ text, atMs: Date.now() });
    const said = replies.flatMap((reply) => (reply === null ? [] : [`${reply.kind} ${reply.text}`]));
    problems.push(...messageProblems(id, said));
  }
  await fleet.holdfast.close({ workflowId, by });
  noted.outcome = (await fleet.holdfast.result(workflowId, { timeoutMs: PATIENCE_MS })).outcome;
  noted.endedAtMs = Date.now();
  return problems.map(at(workflowId));
}

/**
 * One person presses the button again and again and is told each time that they decided; others press it too, and hear
 * that it is decided. It is done once.
 */
async function sameDecision(fleet: Fleet, ordinal: number): Promise<readonly string[]> {
  const noted = fleet.expect(plan(fleet, ordinal, 'asked'));
  const { workflowId, messages } = noted.plan;
  const text = messages[0]?.text ?? '';
  await fleet.holdfast.start(
    { agent: 'clerk', message: text, once: true, requester: { id: 'customer' } },
    { workflowId },
  );
  noted.startedAtMs = Date.now();
  noted.heard.push({ text, atMs: noted.startedAtMs });
  const { id: approval, args_hash: argsHash } = await until('the request', async () => {
    const [row] = await fleet.sql<{ id: string; args_hash: string }[]>`
      select id, args_hash from approvals where workflow_id = ${workflowId} and state = 'open'`;
    return row;
  });
  const untilMs = Date.now() + PATIENCE_MS;
  const byOf = (i: number) => (i % 2 === 0 ? BOSS : (DEPUTIES[i % DEPUTIES.length] ?? BOSS));
  const replies = await all((i) =>
    patiently('decide', { untilMs }, async () => {
      const decision = { workflowId, approval, kind: 'approve', by: byOf(i) } as const;
      fleet.people.note({ approval, kind: 'approve', by: byOf(i), argsHash, atMs: Date.now() });
      if (i % 5 === 4) {
        await fleet.holdfast.decide(decision);
        return 'left';
      }
      try {
        const reply = await fleet.holdfast.decideNow(decision);
        return reply.kind === 'refused' ? reply.why : reply.kind;
      } catch (error) {
        // The run has done it, and is over.
        if (error instanceof HoldfastError && error.code === 'ended') return error.code;
        throw error;
      }
    }),
  );
  noted.outcome = (await fleet.holdfast.result(workflowId, { timeoutMs: PATIENCE_MS })).outcome;
  noted.endedAtMs = Date.now();
  const [row] = await fleet.sql<{ by: string }[]>`
    select decision::jsonb ->> 'by' as by from approvals where id = ${approval}`;
  const heard = replies.map((reply, i) => ({ by: byOf(i), reply }));
  return decisionProblems(heard, row?.by ?? null).map(at(workflowId));
}

async function executionsOf(fleet: Fleet, workflowId: string): Promise<number> {
  const runs = new Set<string>();
  for await (const found of fleet.client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
    runs.add(found.runId);
  return runs.size;
}
