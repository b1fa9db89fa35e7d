import { fileURLToPath } from 'node:url';
import type { Bundle } from './bundle.ts';
import { MEND } from './difference.ts';
import { type NamedHistory, readHistories } from './history.ts';
import { type Replayed, replay } from './replay.ts';

/** Histories that ship with the package, by release: the few that every worker replays before it polls. */
export const SHIPPED_HISTORIES = fileURLToPath(new URL('./histories/', import.meta.url));

/** This build would not go on with runs as an earlier one began them: it must not touch any. */
export class NotReplayableError extends Error {}

/**
 * Replays the shipped histories. Throws `NotReplayableError` at the first that differs, and where there is none to replay:
 * then nothing is known.
 */
export async function assertReplays(bundle: Bundle, histories?: readonly NamedHistory[]): Promise<void> {
  const golden = histories ?? (await readHistories(SHIPPED_HISTORIES));
  if (golden.length === 0)
    throw new NotReplayableError(
      `there is no recorded history in ${SHIPPED_HISTORIES}, so nothing shows that this build goes on with old runs: the package is incomplete`,
    );
  for await (const { name, verdict } of replay({ bundle }, golden))
    if (verdict.kind !== 'replays')
      throw new NotReplayableError(
        `this worker does not poll, because its workflow code would break running runs. ${problemOf({ name, verdict })}. What to do: ${MEND}. "npm run replay" shows every difference`,
      );
}

/** What is wrong with one history, in words. */
export function problemOf({ name, verdict }: Pick<Replayed, 'name' | 'verdict'>): string {
  switch (verdict.kind) {
    case 'replays':
      return `history ${name} replays`;
    case 'nothing_done':
      return `history ${name} holds no finished workflow task, so there is nothing to compare`;
    case 'blind':
      return `history ${name} has lost the flags of the SDK that recorded it, so a replay of it would hide differences`;
    case 'differs':
      return `history ${name} differs at ${verdict.at ?? 'an event the SDK does not name'}: ${verdict.why}`;
    default:
      return verdict satisfies never;
  }
}
