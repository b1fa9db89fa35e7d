import { proxyActivities } from '@temporalio/workflow';
import type { ContentBlock, Message } from '../../src/core/messages.ts';
import type { ChainActivities } from './chain.ts';
import type { TranscriptActivities } from './transcript.ts';

// The other way to write an agent on this engine: the conversation is a variable of the workflow. And the engine alone.

const { invokeModel, readPage } = proxyActivities<TranscriptActivities>({
  startToCloseTimeout: '10 minutes',
  retry: { maximumAttempts: 3 },
});

/** Each model call is given the whole conversation, as integrations do that keep the loop of their SDK. */
export async function wholeTranscript(opening: string): Promise<string> {
  const messages: Message[] = [{ role: 'user', content: [{ type: 'text', text: opening }] }];
  for (;;) {
    const { content, stopReason } = await invokeModel({ messages });
    if (stopReason !== 'tool_use') return 'completed';
    messages.push({ role: 'assistant', content });
    const results: ContentBlock[] = [];
    for (const block of content) {
      if (!('input' in block)) continue;
      results.push({ type: 'tool_result', tool_use_id: block.id, content: await readPage(block.input) });
    }
    messages.push({ role: 'user', content: results });
  }
}

const { model, tool } = proxyActivities<ChainActivities>({ startToCloseTimeout: '10 minutes' });

/** So many times two activities, and nothing in them or around them. */
export async function bareChain(calls: number): Promise<void> {
  for (let call = 0; call < calls; call += 1) {
    await model(call);
    await tool(call);
  }
  await model(calls);
}
