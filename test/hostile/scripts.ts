import type { Json, JsonObject } from '../../src/core/json.ts';
import { isObject } from '../../src/core/json.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { wellFormed } from '../../src/core/text.ts';
import type { Conversation, SaidCall, Step } from '../../src/models/scripted/conversation.ts';
import type { Agent } from '../../src/tools/agent.ts';
import type { GoalCall } from './goals.ts';
import { wantedCalls } from './oracle.ts';
import type { Random } from './random.ts';
import type { RecordedCall, Recording } from './recordings.ts';
import { type HostileCall, twist } from './shapes.ts';
import type { Stage } from './stage.ts';

/** What the model says in one run on real parts, and how often it asks for what was planted. */
export interface Script {
  readonly conversation: Conversation;
  readonly opening: string;
  readonly goalCalls: number;
  readonly tried: number;
}

/** The recorded run as it was. Tasks repeat, and an opening finds one conversation: a word of letters tells them apart. */
export function recordedScript(recording: Recording, n: number): Script {
  const steps = recording.steps.map(
    ({ text, calls }): Step => ({
      says: { ...spoken(text), ...(calls.length > 0 && { calls: calls.map(asRecorded) }) },
    }),
  );
  return script(recording, `played-${letters(n)}`, steps, { goalCalls: 0, tried: 0 });
}

/** The recorded run in the hands of the attacker: it obeys what it has read, and tries what it likes in between. */
export function hostileScript(stage: Stage, recording: Recording, n: number, random: Random): Script {
  const agent = stage.agents[recording.suite];
  const planted = stage.goalsOf(recording);
  const wanted = wantedCalls(stage.wantedOf(recording));
  const vocabulary = stage.vocabulary[recording.suite];
  const budget = new Failures(agent, recording);
  const steps: Step[] = [];
  let tried = 0;
  let goalCalls = 0;
  let hasRead = false;
  const add = (text: string, calls: readonly SaidCall[]) => {
    steps.push({ says: { ...spoken(text), ...(calls.length > 0 && { calls }) } });
  };
  const tries = (most: number): readonly SaidCall[] => {
    const calls: SaidCall[] = [];
    for (let left = 1 + random.below(most); left > 0; left--) {
      const base = random.any(
        random.pick<readonly GoalCall[]>([recording.calls, planted, wanted, vocabulary]),
      );
      const call = base === null ? null : twist(base, random);
      if (call === null || !isObject(call.input) || !budget.allows(call, steps.length + 1)) continue;
      calls.push(said(call));
    }
    tried += calls.length;
    return calls;
  };
  const obey = (): readonly SaidCall[] => {
    goalCalls += planted.length;
    return planted.map(({ tool, input }) => ({ name: tool, input }));
  };
  add('Before anything else, I try the doors.', tries(6));
  for (const { text, calls } of recording.steps) {
    const recorded = calls.map(asRecorded);
    if (calls.length === 0) continue;
    const more = random.chance(0.5) ? tries(3) : [];
    const first = hasRead && random.chance(0.4) ? obey() : [];
    add(text, random.chance(0.5) ? [...first, ...recorded, ...more] : [...more, ...recorded, ...first]);
    if (calls.some(({ injected }) => injected) && !hasRead) {
      hasRead = true;
      add('First what the message says.', obey());
    }
  }
  if (hasRead) add('Once more what the message says.', [...obey(), ...tries(4)]);
  else add('I try the doors once more.', tries(4));
  return script(recording, `hostile-${letters(n)}`, steps, { goalCalls, tried });
}

function script(
  recording: Recording,
  name: string,
  steps: readonly Step[],
  counts: { readonly goalCalls: number; readonly tried: number },
): Script {
  const opening = `${recording.task}\n\n(${name})`;
  const sound = steps.filter(({ says }) => says.text !== undefined || says.calls !== undefined);
  const ends = sound.at(-1)?.says.calls === undefined && sound.length > 0;
  const all = ends ? sound : [...sound, { says: { text: 'I stop here.' } }];
  return { conversation: { id: `${name}-${recording.id}`, opening, steps: all }, opening, ...counts };
}

function spoken(text: string): { readonly text?: string } {
  return text.trim() === '' ? {} : { text };
}

function asRecorded({ id, tool, input }: RecordedCall): SaidCall {
  return { id, name: tool, input };
}

function said({ name, input, broken }: HostileCall): SaidCall {
  return { name, input: broken === true ? '{"recipient": "DE00", "amount": NaN' : plainJson(input) };
}

/**
 * As it would come over the wire: no sum that JSON cannot say. Text is well-formed, since the provider mends what is
 * not and the scripted model would not know its own words again; in simulated time broken text is tried as it is.
 */
function plainJson(input: Json): JsonObject {
  const copied: unknown = JSON.parse(JSON.stringify(input), (_, value: unknown) =>
    typeof value === 'string' ? wellFormed(value) : value,
  );
  return isObject(copied) ? (copied as JsonObject) : {};
}

/** Digits in the user's words would be sums that the user has named. */
function letters(n: number): string {
  return [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
}

/** A model that fails too often is handed over to people; this one wants to stay. */
class Failures {
  readonly #agent: Agent;
  readonly #failed = new Map<string, number>();

  constructor(agent: Agent, recording: Recording) {
    this.#agent = agent;
    for (const { tool, isError } of recording.calls) if (isError) this.#count(tool);
  }

  allows({ name, input, broken }: HostileCall, iteration: number): boolean {
    const sound = broken !== true && this.#agent.tools.get(name)?.parse(input).kind === 'ok';
    if (name === 'escalate') return false;
    if (sound || iteration <= LIMITS.failuresCountAfterIteration) return true;
    if ((this.#failed.get(name) ?? 0) >= LIMITS.failuresOfAKind - 1) return false;
    this.#count(name);
    return true;
  }

  #count(name: string): void {
    this.#failed.set(name, (this.#failed.get(name) ?? 0) + 1);
  }
}
