import type { Conversation } from '../../../src/models/scripted/conversation.ts';
import { call, calls, say, script } from '../../e2e/labAgent.ts';
import { POISONS } from './poison.ts';
import { SPINS, THROWS } from './words.ts';

/** The runs that are told apart by what they wait for and what they do. The name is the first message. */
export const GOLDEN_RUNS = ['reads', 'approval', 'parallel', 'landing', 'reconcile'] as const;
export type GoldenRun = (typeof GOLDEN_RUNS)[number];

const SEEN = 'seen ';
export const CONVERSATIONS: readonly Conversation[] = [
  script('reads', [call('look', 'a'), call('look', 'b'), say('Both are there.')]),
  script('approval', [call('pay'), say('It is paid.')]),
  script('parallel', [calls(['look', 'a'], ['look', 'b'], ['look', 'c']), say('All three are there.')]),
  {
    ...script('landing', [call('look', 'a'), call('look', 'b'), call('look', 'c'), say('That was all.')]),
    landing: 'a and b are seen, c is not.',
  },
  script('reconcile', [call('pay_lost'), say('It is paid, as a person found.')]),
];

/** Runs that are in the way of others. */
export const POISONED_RUNS: readonly Conversation[] = [
  ...POISONS.map(({ labels: { name } }) => script(name, [call(name), say('It could not be done.')])),
  ...[THROWS, SPINS].map((word) =>
    script(word, [
      { says: { text: word, calls: [{ name: 'look', input: { what: 'a' } }] } },
      say('It is there.'),
    ]),
  ),
];

/** What a look says. */
export function isLook(text: string): boolean {
  return text.startsWith(SEEN);
}

/** A landing needs a limit that is met. */
export function limitsOf(kind: string): { readonly limits?: { readonly iterationsPerTurn: number } } {
  return kind === 'landing' ? { limits: { iterationsPerTurn: 2 } } : {};
}
