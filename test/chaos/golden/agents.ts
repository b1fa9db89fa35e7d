import type { Agent } from '../../../src/tools/agent.ts';
import { success, type ToolResult } from '../../../src/tools/result.ts';
import type { ToolContext } from '../../../src/tools/tool.ts';
import { ASK_ALL, effectTool, labAgent, readTool } from '../../e2e/labAgent.ts';
import { POISONS } from './poison.ts';
import { sizesAgents } from './sizes.ts';

const TIMEOUT_MS = Number(process.env.TOOL_TIMEOUT_MS ?? 2_000);
const outward = { touches: 'external', timeoutMs: TIMEOUT_MS } as const;

/**
 * The agents of a worker process. In version 2 both have other prompts, nobody is asked, and `teller` has another version
 * of its tool: what is pinned to the first one needs a worker that has it.
 */
export function agentsOf(version: string): readonly Agent[] {
  const goal = `Do what is asked, as version ${version} does it.`;
  const rules = version === '1' ? { policy: ASK_ALL } : {};
  return [
    labAgent(
      [
        readTool('look', undefined, { timeoutMs: TIMEOUT_MS }),
        // It runs inside the workflow task, as long as none was lost.
        readTool('glance', undefined, { quick: true }),
        effectTool('pay', pay, { ...outward, replay: 'keyed' }),
        effectTool('pay_lost', payLost, { ...outward, replay: 'never' }),
        ...POISONS,
      ],
      { name: 'golden', goal, ...rules },
    ),
    labAgent([effectTool('pay', pay, { ...outward, replay: 'keyed', version })], {
      name: 'teller',
      goal,
      ...rules,
    }),
    ...sizesAgents(),
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
