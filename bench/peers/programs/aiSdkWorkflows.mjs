import '@temporalio/ai-sdk/lib/load-polyfills.js';
import { temporalProvider } from '@temporalio/ai-sdk';
import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import { generateText, jsonSchema, stepCountIs, tool } from 'ai';

// The loop is that of the AI SDK; its model calls become activities, and so are the tools.

const { readPage } = proxyActivities({ startToCloseTimeout: '1 minute' });
// Short, so that a lost attempt is found soon; Holdfast's tool with an effect has the same.
const { pay } = proxyActivities({ startToCloseTimeout: '6 seconds' });

export async function converse(conversation, { model, maxOutputTokens, system, tools }) {
  const [read, payment] = tools;
  await generateText({
    model: temporalProvider.languageModel(model),
    maxOutputTokens,
    system,
    prompt: conversation,
    tools: {
      [read.name]: tool({
        description: read.description,
        inputSchema: jsonSchema(read.input_schema),
        execute: (input) => readPage(input),
      }),
      [payment.name]: tool({
        description: payment.description,
        inputSchema: jsonSchema(payment.input_schema),
        execute: (input) => pay({ ...input, key: workflowInfo().workflowId }),
      }),
    },
    maxRetries: 0,
    stopWhen: stepCountIs(10_000),
  });
  return 'completed';
}
