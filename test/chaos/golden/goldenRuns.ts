import type { StartInput } from '../../../src/core/start.ts';
import type { Conversation } from '../../../src/models/scripted/conversation.ts';
import { call, calls, say, script } from '../../e2e/labAgent.ts';
import { POISONS } from './poison.ts';
import { SPINS, THROWS } from './words.ts';

/** The runs that are told apart by what they wait for and what they do. The name is the first message. */
export const GOLDEN_RUNS = ['reads', 'approval', 'parallel', 'landing', 'reconcile'] as const;
export type GoldenRun = (typeof GOLDEN_RUNS)[number];

export const CONVERSATIONS: readonly Conversation[] = [
  script('reads', [call('look', 'a'), call('look', 'b'), say('Both are there.')]),
  script('approval', [call('pay'), say('It is paid.')]),
  script('parallel', [calls(['look', 'a'], ['glance', 'b'], ['look', 'c']), say('All three are there.')]),
  {
    ...script('landing', [call('look', 'a'), call('look', 'b'), call('look', 'c'), say('That was all.')]),
    landing: 'a and b are seen, c is not.',
  },
  script('reconcile', [call('pay_lost'), say('It is paid, as a person found.')]),
];

/** Runs that are talked to for long. A thought is bound to every byte before it, the prompt and the tools included. */
export const LONG_RUNS: readonly Conversation[] = [
  {
    id: 'chat',
    opening: 'chat',
    steps: [
      { says: { thinking: 'They greet.', text: 'Hello.' } },
      { says: { thinking: 'They want more.', calls: [{ name: 'look', input: { what: 'more' } }] } },
      say('That is more.'),
    ],
  },
  script('teller', [call('pay'), say('It is paid at the desk.')]),
  {
    id: 'outage',
    opening: 'outage',
    steps: [
      { says: { thinking: 'First a look.', calls: [{ name: 'look', input: { what: 'it' } }] } },
      { ...say('It is there.'), faults: [{ kind: 'http', status: 401 }] },
    ],
  },
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

/** A landing needs a limit that is met, a chat more than one answer. */
export function startOf(kind: string): StartInput {
  return {
    v: 1,
    agent: kind === 'teller' ? 'teller' : 'golden',
    message: kind,
    requester: { id: 'mara' },
    once: kind !== 'chat',
    ...(kind === 'landing' && { limits: { iterationsPerTurn: 2 } }),
  };
}
