import type { Head } from '../core/state.ts';
import { type ChainNode, headOf, link } from '../store/chain.ts';
import { forgetChain } from '../store/recent.ts';
import { finishRun } from '../store/records.ts';
import type { ActivityServices } from './services.ts';
import type { EndRunInput } from './types.ts';
import { blocksOf, readAppend } from './userMessage.ts';

/** Ends a run in the store, and puts what no model call took in any more at the end of its conversation. */
export async function endRun(
  services: ActivityServices,
  input: EndRunInput,
): Promise<{ readonly head: Head | null }> {
  const { sql } = services;
  const last = await lastNode(services, input);
  await finishRun(sql, input, last);
  forgetChain(sql, input.run);
  return { head: last === null ? input.head : headOf(last) };
}

/** A conversation that never began stays empty: there is no release yet that it could hang on. */
async function lastNode(
  { sql }: ActivityServices,
  { run, head, append }: EndRunInput,
): Promise<ChainNode | null> {
  if (head === null) return null;
  const content = blocksOf(await readAppend(sql, run, append));
  return content.length === 0 ? null : link(head.node, head, { role: 'user', content });
}
