import { spawn } from 'node:child_process';
import type { JsonObject } from '../../src/core/json.ts';
import { parseFacts } from '../../src/store/audit.ts';
import { type ApprovalRow, findApproval } from '../../src/store/views.ts';
import { type Handle, type Lab, until } from './lab.ts';

// What tests about people look at: rows, the audit, the history and the card. Never what somebody said about them.

const ROOT = new URL('../../', import.meta.url).pathname;

export interface AuditFact {
  readonly event: string;
  readonly key: string;
  readonly facts: JsonObject;
}

/** The audit of a run, in its order; of a workflow id, which has one run. With `event`, only those rows. */
export async function auditOf(lab: Lab, handle: Handle, event?: string): Promise<readonly AuditFact[]> {
  const rows = await lab.sql<{ event: string; key: string; facts: string }[]>`
    select a.event, a.key, a.facts from audit a join runs r using (run)
    where r.workflow_id = ${handle.workflowId} and (${event ?? null}::text is null or a.event = ${event ?? null})
    order by a.seq`;
  return rows.map((row) => ({ ...row, facts: parseFacts(row.facts) }));
}

/** State and fence of every effect: `applied 1` is an effect that ran once. */
export async function effectsOf(lab: Lab, handle: Handle): Promise<readonly string[]> {
  const rows = await lab.sql<{ state: string; fence: number }[]>`
    select e.state, e.fence from effects e join runs r using (run) where r.workflow_id = ${handle.workflowId} order by e.key`;
  return rows.map(({ state, fence }) => `${state} ${fence}`);
}

/** Every request of a run, in the order in which they were opened. */
export async function requestsOf(lab: Lab, handle: Handle): Promise<readonly ApprovalRow[]> {
  const rows = await lab.sql<{ id: string }[]>`
    select id from approvals where workflow_id = ${handle.workflowId} order by opened_at, id`;
  const found = await Promise.all(rows.map(({ id }) => findApproval(lab.sql, id)));
  return found.filter((row) => row !== null);
}

/** The only open request of a run, as soon as people can read it. */
export async function openRequest(lab: Lab, handle: Handle): Promise<ApprovalRow> {
  return until(`a request of ${handle.workflowId}`, async () => {
    const open = (await requestsOf(lab, handle)).filter(({ state }) => state === 'open');
    if (open.length > 1) throw new Error(`${open.length} requests are open`);
    return open[0];
  });
}

/** Waits until the row of the run says this. */
export function inState(lab: Lab, handle: Handle, state: string): Promise<unknown> {
  return until(`${handle.workflowId} to be ${state}`, async () => {
    const [row] = await lab.sql<
      { state: string }[]
    >`select state from runs where workflow_id = ${handle.workflowId}`;
    return row?.state === state;
  });
}

/** The card as the Temporal UI shows it. */
export async function cardOf(handle: Handle): Promise<string> {
  const metadata = await handle.query<{ readonly currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

/** The signals that the server received, in order, over every execution of the run. */
export async function signalsOf(lab: Lab, handle: Handle): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  let runId: string | undefined = handle.firstExecutionRunId;
  while (runId) {
    const execution: Handle = lab.client.workflow.getHandle(handle.workflowId, runId) as Handle;
    const { events } = await execution.fetchHistory();
    for (const event of events ?? []) {
      const signal = event.workflowExecutionSignaledEventAttributes;
      const [payload] = signal?.input?.payloads ?? [];
      if (signal)
        found.push({
          signal: signal.signalName ?? '',
          ...JSON.parse(Buffer.from(payload?.data ?? []).toString()),
        });
    }
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return found;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as people run it: a process of its own, with the lab's environment. */
export async function cli(lab: Lab, words: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...words], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...lab.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, ...said };
}
