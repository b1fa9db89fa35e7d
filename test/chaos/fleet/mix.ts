import type { RunLimits } from '../../../src/core/limits.ts';
import type { Conversation } from '../../../src/models/scripted/conversation.ts';
import { call, calls, say, script } from '../../e2e/labAgent.ts';
import { randomOf } from '../../hostile/random.ts';
import { ASKED, LOOK } from './clerk.ts';

// What the customers of a fleet ask for. One conversation a kind: runs of a kind differ in who they are, not in words.

export const KINDS = ['read', 'parallel', 'asked', 'keyed', 'checkable', 'never', 'chat', 'landing'] as const;
export type RunKind = (typeof KINDS)[number];

/** How many of a hundred runs are of each kind, roughly. */
export type Mix = Readonly<Partial<Record<RunKind, number>>>;

export const USUAL_MIX: Mix = {
  read: 10,
  parallel: 10,
  asked: 25,
  keyed: 15,
  checkable: 15,
  never: 10,
  chat: 10,
  landing: 5,
};

/** What people say to the first request of the run; an edit is followed by a yes. `absent`: somebody else speaks. */
export type Mind = 'approve' | 'reject' | 'edit' | 'absent';

/** A run that is about to be asked for. */
export interface Plan {
  readonly ordinal: number;
  readonly workflowId: string;
  readonly kind: RunKind;
  readonly mind: Mind;
  /** The opening, and what the customer says after it. Each is said once in this run, in these words. */
  readonly messages: readonly { readonly id: string; readonly text: string }[];
  readonly limits: Partial<RunLimits>;
}

/** What a call is made with, and what an edit makes of it. */
export const ARGUMENTS = { what: 'x' } as const;
export const EDITED = { what: 'less' } as const;

/** The tools by which kinds act; the others only look. */
export const EFFECT_OF: Readonly<Partial<Record<RunKind, string>>> = {
  asked: ASKED,
  keyed: 'pay_keyed',
  checkable: 'pay_checkable',
  never: 'pay_never',
  chat: 'pay_keyed',
};

const OPENINGS = KINDS.map((kind) => [kind, `fleet: ${kind}`] as const);
const LATER = 2;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

export function fleetConversations(): readonly Conversation[] {
  return OPENINGS.map(([kind, opening]) => script(opening, stepsOf(kind)));
}

/** What the model says to a kind. */
export function stepsOf(kind: RunKind): Conversation['steps'] {
  switch (kind) {
    case 'read':
      return [call(LOOK), say('I have seen it.')];
    case 'parallel':
      return [calls([LOOK, 'a'], [LOOK, 'b'], [LOOK, 'c']), say('I have seen them.')];
    case 'asked':
    case 'keyed':
    case 'checkable':
    case 'never':
      return [call(EFFECT_OF[kind] ?? '', ARGUMENTS.what), say('That is all that I know.')];
    case 'chat':
      return [
        say('Hello.'),
        call(LOOK),
        call('pay_keyed', ARGUMENTS.what),
        say('It is taken care of.'),
        say('You are welcome.'),
      ];
    case 'landing':
      return [call(LOOK, '1'), call(LOOK, '2'), call(LOOK, '3'), say('I have seen all three.')];
    default:
      return kind satisfies never;
  }
}

/** The same seed and ordinal give the same plan; the fleet's name makes its workflow id its own. */
export function planOf(of: {
  readonly seed: number;
  readonly ordinal: number;
  readonly name: string;
  readonly mix: Mix;
}): Plan {
  const { ordinal, name } = of;
  const random = randomOf(of.seed + ordinal * 7_919);
  // Steps of the golden ratio: also a small load has some of every kind.
  const kind = kindOf(of.mix, (randomOf(of.seed).next() + ordinal * GOLDEN) % 1);
  const mind: Mind = random.chance(0.15) ? 'reject' : random.chance(0.15) ? 'edit' : 'approve';
  const opening = { id: 'start', text: `fleet: ${kind}` };
  const later = Array.from({ length: kind === 'chat' ? LATER : 0 }, (_, i) => ({
    id: `m${i + 2}`,
    text: `and this is word ${i + 2} of customer ${ordinal}`,
  }));
  return {
    ordinal,
    workflowId: `${name}-${ordinal}`,
    kind,
    mind,
    messages: [opening, ...later],
    // Two answers, and then the turn lands.
    limits: kind === 'landing' ? { iterationsPerTurn: 2 } : {},
  };
}

function kindOf(mix: Mix, at: number): RunKind {
  const all = KINDS.reduce((sum, kind) => sum + (mix[kind] ?? 0), 0);
  let left = at * all;
  for (const kind of KINDS) {
    left -= mix[kind] ?? 0;
    if (left < 0) return kind;
  }
  return 'read';
}
