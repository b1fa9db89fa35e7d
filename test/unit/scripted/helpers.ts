import { existsSync, readFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';
import type { Message, MessageParam } from '@anthropic-ai/sdk/resources/messages';
import { afterEach } from 'vitest';
import type { Conversation } from '../../../src/models/scripted/conversation.ts';
import {
  type ScriptedModel,
  type ScriptedModelOptions,
  startScriptedModel,
} from '../../../src/models/scripted/server.ts';

const started: ScriptedModel[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((model) => model.stop()));
});

/** A scripted model and a real client for it; stopped after the test. */
export async function open(
  conversations: readonly Conversation[],
  options: Omit<ScriptedModelOptions, 'conversations'> = {},
): Promise<{ readonly model: ScriptedModel; readonly client: Anthropic }> {
  const model = await startScriptedModel({ conversations, ...options });
  started.push(model);
  return { model, client: clientOf(model) };
}

export function clientOf(model: ScriptedModel): Anthropic {
  return new Anthropic({ baseURL: model.url, apiKey: 'scripted', maxRetries: 0, logLevel: 'off' });
}

export const TOOLS = [
  { name: 'look', description: 'Looks.', input_schema: { type: 'object' as const } },
  { name: 'act', description: 'Acts.', input_schema: { type: 'object' as const } },
];

export interface AskOptions {
  readonly system?: string;
  readonly tools?: Anthropic.Tool[];
  readonly tool_choice?: Anthropic.ToolChoice;
  readonly stop_sequences?: string[];
}

/** One call through the real stream helper. */
export function ask(client: Anthropic, messages: MessageParam[], options: AskOptions = {}): Promise<Message> {
  return client.messages
    .stream({ model: 'claude-sonnet-5-5', max_tokens: 1_000, tools: TOOLS, messages, ...options })
    .finalMessage();
}

/** An answer as the next request must repeat it. */
export function echo(message: Message): MessageParam {
  return { role: 'assistant', content: message.content };
}

/** A user message with a result for each call of an answer. */
export function resultsFor(message: Message, content: string, isError = false): MessageParam {
  return {
    role: 'user',
    content: message.content
      .filter((block) => block.type === 'tool_use')
      .map((block) => ({
        type: 'tool_result' as const,
        tool_use_id: block.id,
        content,
        ...(isError ? { is_error: true } : {}),
      })),
  };
}

export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, came ${JSON.stringify(value).slice(0, 200)}`);
    },
    (error: unknown) => error,
  );
}

export async function apiError(promise: Promise<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  const error = await rejection(promise);
  if (error instanceof Anthropic.APIError) return error;
  throw error;
}

/** Lines of a shared data file, or null (said aloud) where the project was cloned without its data. */
export function sharedLines(file: string): readonly string[] | null {
  const url = new URL(`../../../../shared/data/${file}`, import.meta.url);
  if (existsSync(url)) return readFileSync(url, 'utf8').trim().split('\n');
  if (process.env.CI === 'true') throw new Error(`../shared/data/${file} is missing; CI must have it`);
  console.warn(`LEFT OUT: the tests that need ../shared/data/${file}, which is not here`);
  return null;
}
