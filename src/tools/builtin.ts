import { z } from 'zod';
import { ASK_PERSON } from '../core/calls.ts';
import { LIMITS } from '../core/limits.ts';
import type { ToolLabels } from '../core/release.ts';
import { failed, success } from './result.ts';
import { defineTool, type Tool } from './tool.ts';

/** Names that the activities treat specially: their `run` needs the run's own store, not an agent's services. */
export const READ_RESULT = 'read_result';
export const ESCALATE = 'escalate';

export const readResultInput = z.object({
  reference: z.string().describe('The reference given with the shortened result.'),
  offset: z.number().int().describe('First character to return, 0 for the beginning.'),
});

const readResult = defineTool<typeof readResultInput, unknown>({
  name: READ_RESULT,
  description: 'Returns a page of a tool result that was too long to show whole.',
  whenToUse: 'A result says that it was shortened and you need a part you do not see.',
  whenNotToUse: 'The excerpt already holds what you need.',
  category: 'built-in',
  tier: 'read',
  reads: 'private',
  returns: 'trusted',
  touches: 'none',
  replay: 'pure',
  quick: true,
  input: readResultInput,
  summary: ({ reference, offset }) => `read stored result ${reference.slice(0, 8)} from ${offset}`,
  // The activity answers this one from the run's blobs; it never gets here.
  run: () => failed('read_result has no services of its own'),
});

const escalateInput = z.object({
  reason: z.string().max(LIMITS.reasonChars).describe('Why a person must take over.'),
  done: z.array(z.string()).max(20).describe('What was done so far.'),
  not_done: z.array(z.string()).max(20).describe('What the customer wanted and was not done.'),
});

const escalate = defineTool<typeof escalateInput, unknown>({
  name: ESCALATE,
  description: 'Hands the conversation over to a person, with a record of what was done and what was not.',
  whenToUse: 'You cannot help within your rules and tools, or the customer asks for a person.',
  whenNotToUse: 'You can still do it yourself with the tools you have.',
  category: 'built-in',
  tier: 'read',
  reads: 'public',
  returns: 'trusted',
  touches: 'none',
  replay: 'pure',
  quick: true,
  handsOver: true,
  input: escalateInput,
  summary: ({ reason }) => `hand over to a person: ${reason}`,
  run: () => success('A person will take over. Tell the customer so in one short message, and stop.'),
});

const askPersonInput = z.object({
  question: z
    .string()
    .max(LIMITS.summaryChars)
    .describe('One question that a colleague can answer without reading the conversation.'),
});

const askPerson = defineTool<typeof askPersonInput, unknown>({
  name: ASK_PERSON,
  description: 'Asks a colleague one question and waits for the answer, which may take hours.',
  whenToUse: 'A fact or a decision is missing that no tool has and the customer cannot know.',
  whenNotToUse:
    'The customer can answer it, or an action needs approval: make the call, and it is asked for.',
  category: 'built-in',
  tier: 'read',
  reads: 'public',
  returns: 'trusted',
  touches: 'none',
  replay: 'pure',
  input: askPersonInput,
  summary: ({ question }) => question,
  // A decision answers it; it never gets here.
  run: () => failed('nobody was asked'),
});

/**
 * What every agent has besides its own tools. `escalate` stays away where an own tool hands over already; `ask_person`
 * is for agents that say so.
 */
export function builtInTools(
  own: readonly { readonly labels: ToolLabels }[],
  asksPeople: boolean,
): readonly Tool<unknown>[] {
  const hasOwn = own.some((tool) => tool.labels.handsOver);
  return [readResult, ...(hasOwn ? [] : [escalate]), ...(asksPeople ? [askPerson] : [])];
}
