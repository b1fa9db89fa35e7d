import { fileURLToPath } from 'node:url';
import { createAnthropic } from '@ai-sdk/anthropic';
import { AiSdkPlugin } from '@temporalio/ai-sdk';
import { Client, Connection } from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { LIMITS } from '../../../src/core/limits.ts';
import { pay, readPage, serve } from '../child.ts';
import { MAX_OUTPUT_TOKENS, MODEL, SYSTEM, TOOLS } from '../work.ts';

// The AI SDK on Temporal as its documentation has it. The versions are the newest that run on Node 20.

const { MODEL_URL, TASK_QUEUE, TEMPORAL_ADDRESS } = process.env;
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});
const anthropic = createAnthropic({
  baseURL: `${MODEL_URL}/v1`,
  authToken: 'scripted',
  headers: { 'anthropic-version': '2026-10-21' },
  fetch: withoutNullCitations,
});
/** The API says `citations: null` by now; the provider of this time takes it for a broken answer. */
async function withoutNullCitations(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) return response;
  const body = await response.json();
  for (const block of body.content) if (block.citations === null) delete block.citations;
  return Response.json(body, { headers: { 'request-id': response.headers.get('request-id') ?? '' } });
}

const worker = await Worker.create({
  plugins: [new AiSdkPlugin({ modelProvider: anthropic })],
  connection: await NativeConnection.connect({ address: TEMPORAL_ADDRESS }),
  taskQueue: TASK_QUEUE,
  workflowsPath: fileURLToPath(new URL('./aiSdkWorkflows.mjs', import.meta.url)),
  bundlerOptions: { preloadModules: [fileURLToPath(new URL('./aiSdkGlobals.mjs', import.meta.url))] },
  activities: { readPage: async (input) => readPage(input), pay },
  // As Holdfast has it: after a kill the run's next task waits for the dead worker so long (the SDK's own: 10 s).
  stickyQueueScheduleToStartTimeout: LIMITS.stickyWaitMs,
});
worker.run().catch((error) => {
  process.stderr.write(`${error}\n`);
  process.exit(1);
});
const client = new Client({ connection: await Connection.connect({ address: TEMPORAL_ADDRESS }) });
const work = { model: MODEL, maxOutputTokens: MAX_OUTPUT_TOKENS, system: SYSTEM, tools: TOOLS };

serve({
  begin: (conversation) =>
    client.workflow.execute('converse', {
      workflowId: conversation,
      taskQueue: TASK_QUEUE,
      args: [conversation, work],
    }),
  resume: (conversation) => client.workflow.getHandle(conversation).result(),
});
