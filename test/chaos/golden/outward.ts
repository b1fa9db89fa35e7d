import type { RunResult } from '../../../src/workflows/messages.ts';
import { type Facts, outcomeOf } from '../facts.ts';

/** What people and the outside see of a run that has ended. How it got there, and how often, is not in it. */
export interface Outward {
  readonly outcome: string;
  readonly reason: string;
  readonly answer: string | null;
  /** In the order of the conversation. */
  readonly told: readonly string[];
  readonly effects: readonly { readonly call: string; readonly state: string; readonly acts: number }[];
  readonly decided: readonly { readonly call: string; readonly kind: string; readonly state: string }[];
  /** The last word of people about what nobody knew. */
  readonly found: readonly string[];
}

export function outwardOf(
  { outcome, reason, answer }: Pick<RunResult, 'outcome' | 'reason' | 'answer'>,
  facts: Facts,
): Outward {
  const questions = facts.approvals.filter(({ kind }) => kind === 'reconcile');
  return {
    outcome,
    reason,
    answer: answer ?? null,
    told: facts.results.map(({ text }) => text),
    effects: facts.effects.map(({ key, state }) => ({
      call: ofRun(key),
      state,
      acts: facts.acts[key] ?? 0,
    })),
    decided: facts.approvals
      .filter(({ kind }) => kind !== 'reconcile')
      .map(({ key, kind, state }) => ({ call: ofRun(key), kind, state })),
    found: questions.slice(-1).map(({ state, answer: said }) => `${state}: ${outcomeOf(said)}`),
  };
}

/** Keys begin with the run, which is another one each time. */
function ofRun(key: string | null): string {
  return (key ?? '').split('/').slice(1).join('/');
}

/** Each difference in words; nothing where the two are the same. */
export function differences(undisturbed: Outward, disturbed: Outward): readonly string[] {
  return (Object.keys(undisturbed) as (keyof Outward)[]).flatMap((name) => {
    const [before, after] = [JSON.stringify(undisturbed[name]), JSON.stringify(disturbed[name])];
    return before === after ? [] : [`${name} is ${after}, undisturbed it is ${before}`];
  });
}
