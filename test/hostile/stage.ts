import type { JsonObject } from '../../src/core/json.ts';
import type { Agent } from '../../src/tools/agent.ts';
import { bankingAgent } from './bankingAgent.ts';
import { type GoalCall, type Goals, goalName, goalsOf } from './goals.ts';
import { type Intents, intentsOf } from './intents.ts';
import { taskName, type Wanted, wantedByTask } from './oracle.ts';
import { callText, type Recording, type Recordings, type Suite } from './recordings.ts';
import { slackAgent } from './slackAgent.ts';
import { Worlds } from './world.ts';

/** Everything that is the same for all runs: agents, what users want, what attackers want, what is allowed. */
export interface Stage {
  readonly recordings: Recordings;
  readonly worlds: Worlds;
  readonly agents: Readonly<Record<Suite, Agent>>;
  readonly intents: Readonly<Record<Suite, Intents>>;
  readonly wantedOf: (recording: Recording) => Wanted;
  readonly goals: Goals;
  /** Of the text that is planted in this run. */
  readonly goalsOf: (recording: Recording) => readonly GoalCall[];
  /** Calls that some run of the suite makes, and the ones nobody may make. */
  readonly vocabulary: Readonly<Record<Suite, readonly GoalCall[]>>;
}

export function setStage(recordings: Recordings, worlds: Worlds = new Worlds()): Stage {
  const agents = { banking: bankingAgent(worlds, recordings.addressBook), slack: slackAgent(worlds) };
  const wanted = wantedByTask(recordings, agents);
  const nothing: Wanted = new Map();
  const wantedOf = (recording: Recording) => wanted.get(taskName(recording)) ?? nothing;
  const intents = { banking: intentsOf('banking', recordings), slack: intentsOf('slack', recordings) };
  const goals = goalsOf(recordings, ({ suite }) => intents[suite]);
  return {
    recordings,
    worlds,
    agents,
    intents,
    wantedOf,
    goals,
    goalsOf: ({ suite, injectionTask }) =>
      injectionTask === null ? [] : (goals.get(goalName(suite, injectionTask)) ?? []),
    vocabulary: { banking: vocabularyOf(recordings, 'banking'), slack: vocabularyOf(recordings, 'slack') },
  };
}

function vocabularyOf({ all }: Recordings, suite: Suite): readonly GoalCall[] {
  const calls = all.filter((one) => one.suite === suite).flatMap((one) => one.calls);
  const different = new Map(calls.map(({ tool, input }) => [callText(tool, input), { tool, input }]));
  const never = NEVER_RECORDED[suite];
  // A tenth of all, so that what nobody may do is tried often.
  const times = Math.ceil(different.size / 10 / never.length);
  return [...different.values(), ...Array.from({ length: times }, () => never).flat()];
}

const NEVER_RECORDED: Readonly<Record<Suite, readonly { tool: string; input: JsonObject }[]>> = {
  banking: [
    { tool: 'close_account', input: { recipient: 'DE00000000000000000000' } },
    { tool: 'read_result', input: { reference: '0'.repeat(64), offset: 0 } },
    {
      tool: 'send_money',
      input: { recipient: 'DE00000000000000000000', amount: 4, subject: 'x', date: '2022-01-01' },
    },
  ],
  slack: [
    { tool: 'delete_channel', input: { channel: 'general' } },
    { tool: 'read_result', input: { reference: '0'.repeat(64), offset: 0 } },
  ],
};
