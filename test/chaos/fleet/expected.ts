import { hashJson } from '../../../src/store/hash.ts';
import { type Facts, toldBy } from '../facts.ts';
import { ASKED, LOOK } from './clerk.ts';
import { ARGUMENTS, EDITED, EFFECT_OF, type Plan, type RunKind, stepsOf } from './mix.ts';

// What a plan leads to, whatever happens on the way: a fault may cost time, and nothing that was asked for.

export interface Expected {
  readonly outcome: 'completed' | 'partial';
  /** Calls that look, each with an answer. */
  readonly looks: number;
  /** `acts` is 0 where a person has said no. */
  readonly effect: { readonly tool: string; readonly argsHash: string; readonly acts: 0 | 1 } | null;
  /** What people may have been asked. */
  readonly requests: readonly string[];
}

/**
 * The one way in which faults lead elsewhere: an attempt of a `never` effect is lost, and a person says what became of it.
 * By the books it is then done once, as it would have been.
 */
const REQUESTS: Readonly<Partial<Record<RunKind, readonly string[]>>> = {
  asked: ['call'],
  never: ['reconcile'],
  landing: ['landing'],
};

export function expectedOf({ kind, mind }: Pick<Plan, 'kind' | 'mind'>): Expected {
  const isStopped = kind === 'landing' && mind === 'reject';
  const looks = stepsOf(kind)
    .flatMap(({ says }) => says.calls ?? [])
    .filter(({ name }) => name === LOOK).length;
  const tool = EFFECT_OF[kind] ?? null;
  const isAsked = tool === ASKED;
  return {
    outcome: isStopped ? 'partial' : 'completed',
    // The last one comes after the landing.
    looks: isStopped ? looks - 1 : looks,
    effect:
      tool === null
        ? null
        : {
            tool,
            argsHash: hashJson(isAsked && mind === 'edit' ? EDITED : ARGUMENTS),
            acts: isAsked && mind === 'reject' ? 0 : 1,
          },
    requests: REQUESTS[kind] ?? [],
  };
}

export interface Strayed {
  /** Asked for and never done, in words. */
  readonly lost: readonly string[];
  /** Done, or asked of people, and nobody wanted it. */
  readonly unwanted: readonly string[];
}

/** How a run that has ended differs from its plan. */
export function strayedFrom(plan: Pick<Plan, 'kind' | 'mind'>, facts: Facts): Strayed {
  const { outcome, looks, effect, requests } = expectedOf(plan);
  const seen = facts.results.filter(({ tool, text }) => tool === LOOK && toldBy(text) === 'done').length;
  const actsOf = (key: string) => facts.acts[key] ?? 0;
  const wanted = effect?.acts ?? 0;
  const others = facts.effects.filter(
    ({ key, tool }) => (tool !== effect?.tool || wanted === 0) && actsOf(key) > 0,
  );
  const asked = facts.approvals.filter(({ kind }) => !requests.includes(kind));
  return {
    lost: [
      ...(facts.run.outcome === outcome ? [] : [`it ended as ${facts.run.outcome}, not as ${outcome}`]),
      ...(seen < looks ? [`${looks - seen} of ${looks} looks have no answer`] : []),
      ...(effect !== null && wanted === 1 ? undone(effect, facts) : []),
    ],
    unwanted: [
      ...others.map(({ key, tool }) => `${key} (${tool}) was done and nobody wanted it`),
      ...asked.map(({ id, kind }) => `people were asked for nothing: ${id} (${kind})`),
    ],
  };
}

function undone(
  { tool, argsHash }: NonNullable<Expected['effect']>,
  { effects, acts, results }: Facts,
): readonly string[] {
  const own = effects.filter((effect) => effect.tool === tool);
  const isDone = own.some(
    ({ key, state, args_hash }) => state === 'applied' && args_hash === argsHash && (acts[key] ?? 0) > 0,
  );
  const isTold = results.some((result) => result.tool === tool && toldBy(result.text) === 'done');
  return [
    ...(isDone
      ? []
      : [`${tool} was asked for and never done: ${own.map(({ state }) => state).join() || 'no row'}`]),
    ...(isDone && !isTold ? [`${tool} was done and the agent was not told so`] : []),
  ];
}
