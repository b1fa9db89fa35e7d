import Anthropic from '@anthropic-ai/sdk';
import { MAX_OUTPUT_TOKENS, MODEL, SYSTEM, TOOLS } from './work.ts';

type Message = Anthropic.MessageParam;

const client = new Anthropic({
  apiKey: 'scripted',
  baseURL: process.env.MODEL_URL ?? null,
  maxRetries: 0,
  openTelemetry: false,
  logLevel: 'off',
});

/** One model call through the vendor's SDK, in one piece: cheaper than the stream that Holdfast reads. */
export async function ask(messages: readonly Message[]): Promise<Pick<Anthropic.Message, 'content'>> {
  const { content } = await client.messages.create({
    model: MODEL,
    max_tokens: MAX_OUTPUT_TOKENS,
    system: SYSTEM,
    tools: TOOLS as unknown as Anthropic.Tool[],
    messages: [...messages],
  });
  return { content };
}
