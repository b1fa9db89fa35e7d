import { z } from 'zod';
import { MAX_RUN_LIMITS } from '../../src/core/limits.ts';
import { NO_USAGE, textOf } from '../../src/core/messages.ts';
import type { ModelAnswer, ModelProvider } from '../../src/models/provider.ts';
import { defineAgent } from '../../src/tools/agent.ts';
import { success } from '../../src/tools/result.ts';
import { defineTool, type ToolOptions } from '../../src/tools/tool.ts';

const input = z.object({ step: z.number().int() });
type Input = typeof input;

const WORDS = {
  description: 'Does nothing and says so.',
  whenToUse: 'A step is measured.',
  whenNotToUse: 'Nothing is measured.',
  category: 'bench',
  reads: 'public',
  returns: 'trusted',
  input,
  run: ({ step }) => success({ step }),
} as const satisfies Partial<ToolOptions<Input, unknown>>;

const look = defineTool<Input, unknown>({
  ...WORDS,
  name: 'look',
  tier: 'read',
  touches: 'none',
  replay: 'pure',
});
const lookQuickly = defineTool<Input, unknown>({
  ...WORDS,
  name: 'look_quickly',
  tier: 'read',
  touches: 'none',
  replay: 'pure',
  quick: true,
});
const act = defineTool<Input, unknown>({
  ...WORDS,
  name: 'act',
  tier: 'write_safe',
  touches: 'state',
  replay: 'keyed',
});

export const TOOLS = ['look', 'look_quickly', 'act'] as const;
export type ToolName = (typeof TOOLS)[number];

/** One tool of each kind; what is measured is everything around them. */
export const stepper = defineAgent<unknown>({
  name: 'stepper',
  prompt: {
    role: 'You take steps.',
    goal: 'Take every step.',
    rules: ['One step at a time.'],
    stop: ['Stop calling tools after the last step.'],
  },
  tools: [look, lookQuickly, act],
  permissions: { tiers: ['read', 'write_safe'] },
  policy: [{ name: 'all', match: {}, answer: { kind: 'allow' } }],
  limits: { ...MAX_RUN_LIMITS },
  services: () => null,
});

/** What a run is told to do: `look 20 of R` is twenty steps with the tool `look` in the run R. */
export const orderOf = (tool: ToolName, steps: number, run: string) => `${tool} ${steps} of ${run}`;

const ORDER = /(\w+) (\d+) of (\S+)/;

/**
 * A model that answers at once and without a network: the next call until all steps of the last order are taken, then a
 * word. `onCall` hears of every call with the run it is for.
 */
export function instantModel(onCall: (run: string) => void): ModelProvider {
  return {
    complete: async ({ messages, model }) => {
      const at = messages.findLastIndex(
        ({ role, content }) => role === 'user' && ORDER.test(textOf(content)),
      );
      const [, tool = '', count = '', run = ''] = ORDER.exec(textOf(messages[at]?.content ?? [])) ?? [];
      const step = messages.slice(at).filter(({ role }) => role === 'assistant').length;
      onCall(run);
      const last = step >= Number(count);
      const answer: ModelAnswer = {
        content: last
          ? [{ type: 'text', text: 'All steps are taken.' }]
          : [{ type: 'tool_use', id: `call_${at}_${step}`, name: tool, input: { step } }],
        unparsable: [],
        stopReason: last ? 'end_turn' : 'tool_use',
        usage: { ...NO_USAGE, inputTokens: 100, outputTokens: 10 },
        model,
        requestId: null,
      };
      return answer;
    },
  };
}
