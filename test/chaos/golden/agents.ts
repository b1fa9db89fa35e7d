import type { Agent } from '../../../src/tools/agent.ts';
import { success, type ToolResult } from '../../../src/tools/result.ts';
import type { ToolContext } from '../../../src/tools/tool.ts';
import { ASK_ALL, effectTool, labAgent, readTool } from '../../e2e/labAgent.ts';
import { POISONS } from './poison.ts';

const TIMEOUT_MS = Number(process.env.TOOL_TIMEOUT_MS ?? 2_000);
const outward = { touches: 'external', timeoutMs: TIMEOUT_MS } as const;

/** The agents of a worker process. Another version has other prompts, other rules and another version of `pay`. */
export function agentsOf(version: string): readonly Agent[] {
  return [
    labAgent(
      [
        readTool('look', undefined, { timeoutMs: TIMEOUT_MS }),
        effectTool('pay', pay, { ...outward, replay: 'keyed', version }),
        effectTool('pay_lost', payLost, { ...outward, replay: 'never' }),
        ...POISONS,
      ],
      {
        name: 'golden',
        goal: `Do what is asked, as version ${version} does it.`,
        // In version 2 nobody is asked.
        ...(version === '1' && { policy: ASK_ALL }),
      },
    ),
  ];
}

async function pay(_: unknown, context: ToolContext<unknown>): Promise<ToolResult> {
  await post('/honours', context);
  return success('paid');
}

/** It acts, and nobody hears of it. */
async function payLost(_: unknown, context: ToolContext<unknown>): Promise<ToolResult> {
  await post('/ignores', context);
  throw new Error('the answer was lost');
}

async function post(path: string, { idempotencyKey, signal }: ToolContext<unknown>): Promise<void> {
  const response = await fetch(`${process.env.PAYMENTS_URL}${path}`, {
    method: 'POST',
    headers: { 'idempotency-key': idempotencyKey },
    signal,
  });
  await response.arrayBuffer();
}
