import { z } from 'zod';
import { type AgentOptions, defineAgent } from '../../../src/tools/agent.ts';
import { success } from '../../../src/tools/result.ts';
import { defineTool, type Tool, type ToolOptions } from '../../../src/tools/tool.ts';

/** A good tool and a good agent; each test makes one thing about them different. */
export const orderInput = z.object({ order_id: z.string() });
export type OrderInput = typeof orderInput;

export function tool(different: Partial<ToolOptions<OrderInput, unknown>> = {}): Tool<unknown> {
  return defineTool<OrderInput, unknown>({ ...readOrder, ...different });
}

/** Everything about a good tool but its input and its code. */
export const reads = {
  name: 'read_order',
  description: 'Reads one order by its number.',
  whenToUse: 'The customer names an order.',
  whenNotToUse: 'The order is known already.',
  category: 'orders',
  tier: 'read',
  reads: 'private',
  returns: 'trusted',
  touches: 'none',
  replay: 'pure',
} as const;

const readOrder: ToolOptions<OrderInput, unknown> = {
  ...reads,
  input: orderInput,
  run: ({ order_id }) => success({ order_id }),
};

/** Labels of a tool that changes something. */
export const writes = { tier: 'write_risky', touches: 'state', replay: 'keyed' } as const;

export const options: AgentOptions<unknown> = {
  name: 'support',
  prompt: {
    role: 'You help customers of a shop.',
    goal: 'Their question is answered.',
    rules: ['Change nothing that the customer did not ask for.'],
    stop: ['Stop calling tools when the question is answered.'],
  },
  tools: [tool()],
  permissions: { tiers: ['read', 'write_risky'] },
  policy: [],
  services: () => null,
};

export function agent(different: Partial<AgentOptions<unknown>> = {}) {
  return defineAgent({ ...options, ...different });
}
