import type { DataConverter } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import type { Bundle } from './bundle.ts';
import { type Difference, differenceOf } from './difference.ts';
import { fitnessOf, type NamedHistory } from './history.ts';

/** What came of one history. `blind`: it cannot show a difference, so nothing is known. */
export type Verdict =
  | { readonly kind: 'replays' }
  | { readonly kind: 'nothing_done' }
  | { readonly kind: 'blind' }
  | ({ readonly kind: 'differs' } & Difference);

export interface Replayed {
  readonly name: string;
  readonly workflowId: string;
  readonly verdict: Verdict;
}

export interface ReplayOptions {
  readonly bundle: Bundle;
  /** What histories of a server were encoded with. */
  readonly dataConverter?: DataConverter;
}

/** Replays histories one after the other and says of each whether today's code would do the same again. */
export async function* replay(
  { bundle, dataConverter = {} }: ReplayOptions,
  histories: Iterable<NamedHistory> | AsyncIterable<NamedHistory>,
): AsyncGenerator<Replayed> {
  const options = { workflowBundle: bundle, dataConverter, replayName: 'holdfast', debugMode: IN_OWN_THREAD };
  let current: NamedHistory | null = null;
  const skipped: Replayed[] = [];
  async function* replayable(): AsyncGenerator<NamedHistory> {
    for await (const named of histories) {
      const fitness = fitnessOf(named.history);
      current = named;
      if (fitness === 'fit') yield named;
      else
        skipped.push({ ...nameOf(named), verdict: { kind: fitness === 'nothing_done' ? fitness : 'blind' } });
    }
  }
  for await (const { error } of Worker.runReplayHistories(options, replayable())) {
    yield* skipped.splice(0);
    if (current === null) throw new Error('a history was replayed that nobody gave');
    const verdict: Verdict =
      error === undefined ? { kind: 'replays' } : { kind: 'differs', ...differenceOf(current, error) };
    yield { ...nameOf(current), verdict };
  }
  yield* skipped;
}

/**
 * The SDK replays in the main thread unless it is told not to. There its hooks would follow every promise of the process
 * for good, and an endless loop in a workflow would stop everything instead of failing after five seconds.
 */
const IN_OWN_THREAD = false;

function nameOf({ name, workflowId }: NamedHistory): Omit<Replayed, 'verdict'> {
  return { name, workflowId };
}
