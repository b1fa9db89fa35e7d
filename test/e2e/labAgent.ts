import { z } from 'zod';
import type { RunLimits } from '../../src/core/limits.ts';
import { usd } from '../../src/core/money.ts';
import type { Rule, Tier } from '../../src/core/policy.ts';
import type { Guards } from '../../src/guards/subjects.ts';
import type { Conversation, Step } from '../../src/models/scripted/conversation.ts';
import { type Agent, type AgentOptions, defineAgent } from '../../src/tools/agent.ts';
import { success } from '../../src/tools/result.ts';
import { defineTool, type Tool, type ToolOptions } from '../../src/tools/tool.ts';

const input = z.object({ what: z.string() });
type Input = typeof input;
type Run = ToolOptions<Input, unknown>['run'];

const WORDS = {
  description: 'Does one thing that a test needs done.',
  whenToUse: 'A test asks for exactly this.',
  whenNotToUse: 'A test does not ask for it.',
  category: 'test',
  returns: 'trusted',
  reads: 'public',
  input,
} as const;

export function readTool(
  name: string,
  run: Run = ({ what }) => success(`seen ${what}`),
  more: Partial<ToolOptions<Input, unknown>> = {},
): Tool<unknown> {
  return defineTool<Input, unknown>({
    ...WORDS,
    name,
    tier: 'read',
    touches: 'none',
    replay: 'pure',
    timeoutMs: 1_000,
    run,
    ...more,
  });
}

export function effectTool(
  name: string,
  run: Run = ({ what }) => success(`done ${what}`),
  more: Partial<ToolOptions<Input, unknown>> = {},
): Tool<unknown> {
  return defineTool<Input, unknown>({
    ...WORDS,
    name,
    tier: 'write_risky',
    touches: 'state',
    replay: 'keyed',
    timeoutMs: 500,
    amount: () => usd(1),
    run,
    ...more,
  });
}

export const ALLOW_ALL: readonly Rule[] = [{ name: 'all', match: {}, answer: { kind: 'allow' } }];
export const ASK_ALL: readonly Rule[] = [
  { name: 'writes', match: { tiers: ['write_risky'] }, answer: { kind: 'ask', reason: 'a test asks' } },
];

export function labAgent(
  tools: readonly Tool<unknown>[],
  options: {
    readonly policy?: readonly Rule[];
    readonly limits?: Partial<RunLimits>;
    readonly name?: string;
    readonly tiers?: readonly Tier[];
    readonly asksPeople?: boolean;
    readonly whileBroken?: 'wait' | 'refuse';
    /** Another goal is another release. */
    readonly goal?: string;
    readonly guards?: Partial<Guards>;
    readonly personal?: AgentOptions<unknown>['personal'];
  } = {},
): Agent {
  return defineAgent<unknown>({
    name: options.name ?? 'lab',
    prompt: {
      role: 'You help in tests.',
      goal: options.goal ?? 'Do what is asked.',
      rules: ['Nothing else.'],
      stop: ['Stop calling tools when it is done.'],
    },
    tools,
    permissions: { tiers: options.tiers ?? ['read', 'write_safe', 'write_risky'] },
    policy: options.policy ?? ALLOW_ALL,
    ...(options.limits && { limits: options.limits }),
    ...(options.asksPeople && { asksPeople: true }),
    ...(options.guards && { guards: options.guards }),
    ...(options.personal && { personal: options.personal }),
    ...(options.whileBroken && { whileBroken: options.whileBroken }),
    services: () => null,
  });
}

/** A conversation that opens with its id and goes through these steps. */
export function script(id: string, steps: readonly Step[]): Conversation {
  return { id, opening: id, steps };
}

export function call(name: string, what = 'x'): Step {
  return { says: { calls: [{ name, input: { what } }] } };
}

/** Several calls in one answer: `[tool, what]`. */
export function calls(...said: readonly (readonly [name: string, what: string])[]): Step {
  return { says: { calls: said.map(([name, what]) => ({ name, input: { what } })) } };
}

export function say(text: string, sees?: Step['sees']): Step {
  return { says: { text }, ...(sees && { sees }) };
}
