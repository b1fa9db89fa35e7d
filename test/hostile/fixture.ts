import type { z } from 'zod';
import type { Agent } from '../../src/tools/agent.ts';
import { defineTool, type Tool, type ToolOptions } from '../../src/tools/tool.ts';
import type { Suite } from './recordings.ts';
import type { World, Worlds } from './world.ts';

/** A tool of a fixture: everything but what it does, which is to play back what was recorded. */
export function playedTool<Input extends z.ZodObject>(
  options: Omit<ToolOptions<Input, World>, 'run' | 'replay'>,
): Tool<World> {
  return defineTool<Input, World>({
    ...options,
    replay: options.tier === 'read' ? 'pure' : 'keyed',
    run: (input, { key, idempotencyKey, services }) => {
      const isSource = options.tier === 'read' || options.returns === 'untrusted';
      return services.act(options.name, input as Parameters<World['act']>[1], {
        key,
        idempotencyKey,
        isSource,
      });
    },
  });
}

/** Room for the longest recording and for a hostile model, which is to meet the policy and not the end of its money. */
export const WIDE_LIMITS = {
  iterationsPerTurn: 1_000,
  toolCallsPerTurn: 2_000,
  activeMsPerTurn: 24 * 3_600_000,
  tokensPerRun: 100_000_000,
  costMicroUsdPerRun: 1_000_000_000,
  maxOutputTokens: 16_000,
} as const;

export type Fixtures = Readonly<Record<Suite, Agent>>;
export type MakeAgent = (worlds: Worlds) => Agent;
