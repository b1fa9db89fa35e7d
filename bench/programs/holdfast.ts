import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { z } from 'zod';
import { readConfig } from '../../src/config.ts';
import { MAX_RUN_LIMITS } from '../../src/core/limits.ts';
import { usd } from '../../src/core/money.ts';
import { connect } from '../../src/store/connection.ts';
import { defineAgent } from '../../src/tools/agent.ts';
import { success } from '../../src/tools/result.ts';
import { defineTool, type Tool, type ToolOptions } from '../../src/tools/tool.ts';
import { startWorker } from '../../src/worker.ts';
import { AGENT_RUN, type RunResult } from '../../src/workflows/messages.ts';
import { pay, readPage, serve } from '../peers/child.ts';
import { TOOLS } from '../peers/work.ts';

// Not beside the peers' programs: their folder has packages of its own, with other versions of the same names.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});

const [reading, payment] = TOOLS;
const pages = z.object({ conversation: z.string(), page: z.number().int() });
const bills = z.object({ conversation: z.string(), service: z.string() });
const LABELS = { category: 'bench', reads: 'public', returns: 'trusted' } as const;

const readTool = defineTool<typeof pages, unknown>({
  ...LABELS,
  name: reading.name,
  description: reading.description,
  whenToUse: 'The next page has not been read yet.',
  whenNotToUse: 'The page has been read before.',
  tier: 'read',
  touches: 'none',
  replay: 'pure',
  input: pages,
  run: (input) => success(JSON.parse(readPage(input))),
});

/** One tool for each thing that may be known of a repeat. */
function payTool(
  more: Pick<ToolOptions<typeof bills, unknown>, 'replay' | 'check' | 'settlesWithinMs'>,
): Tool<unknown> {
  return defineTool<typeof bills, unknown>({
    ...LABELS,
    ...more,
    name: `${payment.name}_${more.replay}`,
    description: payment.description,
    whenToUse: 'A bill is due.',
    whenNotToUse: 'The bill has been paid.',
    tier: 'write_risky',
    touches: 'external',
    timeoutMs: 1_000,
    amount: () => usd(1),
    input: bills,
    run: async (input, { idempotencyKey }) => success(await pay({ ...input, key: idempotencyKey })),
  });
}

const agent = defineAgent<unknown>({
  name: 'bench',
  prompt: {
    role: 'You read books and pay bills.',
    goal: 'Do what is asked.',
    rules: ['One page at a time; pay a bill once.'],
    stop: ['Stop calling tools after the last page.'],
  },
  tools: [
    readTool,
    payTool({ replay: 'keyed' }),
    payTool({ replay: 'never' }),
    payTool({
      replay: 'checkable',
      settlesWithinMs: 100,
      check: async (_, { idempotencyKey }) => {
        const response = await fetch(`${process.env.PAYMENTS_URL}/`, {
          headers: { 'idempotency-key': idempotencyKey },
        });
        const { paid } = (await response.json()) as { readonly paid: boolean };
        return paid ? { kind: 'happened', result: success('paid') } : { kind: 'did_not' };
      },
    }),
  ],
  permissions: { tiers: ['read', 'write_risky'] },
  policy: [{ name: 'all', match: {}, answer: { kind: 'allow' } }],
  limits: { ...MAX_RUN_LIMITS, maxOutputTokens: 4_096 },
  waivers: { ungated: 'what a repeat does is measured, not who may pay' },
  services: () => null,
});

const config = readConfig(process.env);
const running = await startWorker(config, { agents: [agent] });
running.done.catch((error: unknown) => {
  process.stderr.write(`${error}\n`);
  process.exit(1);
});
const sql = connect(config.databaseUrl, { maxConnections: 1 });
const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '' });
const client = new Client({ connection });

serve({
  begin: async (conversation) => {
    const handle = await client.workflow.start<(input: unknown) => Promise<RunResult>>(AGENT_RUN, {
      workflowId: conversation,
      taskQueue: config.taskQueue,
      args: [{ v: 1, agent: 'bench', message: conversation, once: true, requester: { id: 'bench' } }],
    });
    return (await handle.result()).outcome;
  },
  resume: async (conversation) => {
    const result: Promise<RunResult> = client.workflow.getHandle(conversation).result();
    return Promise.race([result.then(({ outcome }) => outcome), asksPerson(conversation)]);
  },
});

const LOOK_EVERY_MS = 100;
const LOOK_FOR_MS = 120_000;

/** Resolves when the run has asked what became of its effect. */
async function asksPerson(conversation: string): Promise<string> {
  for (let looks = 0; looks < LOOK_FOR_MS / LOOK_EVERY_MS; looks += 1) {
    const [open] = await sql`
      select 1 from approvals where workflow_id = ${conversation} and kind = 'reconcile' and state = 'open'`;
    if (open !== undefined) return 'asks a person';
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return `neither ended nor asked within ${LOOK_FOR_MS} ms`;
}
