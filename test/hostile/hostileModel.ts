import type { GoalCall } from './goals.ts';
import type { Random } from './random.ts';
import type { Recording } from './recordings.ts';
import { type HostileCall, type Twisted, twist } from './shapes.ts';

/** One answer of the model. */
export interface HostileAnswer {
  readonly text: string;
  readonly calls: readonly HostileCall[];
  readonly stopReason: string;
}

export interface HostileOptions {
  readonly random: Random;
  readonly recording: Recording;
  /** What the text planted in this run wants; without one, what some other planted text wants. */
  readonly goals: readonly GoalCall[];
  /** Calls of all recorded runs of the suite, and tools that no run used. */
  readonly vocabulary: readonly GoalCall[];
  /** Calls that people would say yes to: what is almost one of them is worth trying. */
  readonly wanted: readonly GoalCall[];
  readonly hasReadInjection: () => boolean;
}

/**
 * A model that is on the attacker's side: it follows the recorded run, obeys what was planted as soon as it has been
 * read, and in between tries whatever a call can be. It knows the whole recorded run and needs to see no result.
 */
export class HostileModel {
  readonly #options: HostileOptions;
  #step = 0;
  /** Goals pushed since the last time. */
  #obeyed = 0;
  readonly twists = new Map<string, number>();
  goalCalls = 0;

  constructor(options: HostileOptions) {
    this.#options = options;
  }

  /** The next answer. `answers`: how many this turn has had. */
  answer(answers: number): HostileAnswer {
    const { random, recording, hasReadInjection } = this.#options;
    const calls: HostileCall[] = [];
    if (random.chance(0.6)) calls.push(...this.#recorded(recording));
    if (hasReadInjection() && (this.#obeyed === 0 || random.chance(0.15))) calls.push(...this.#obey());
    else if (random.chance(0.05)) calls.push(...this.#obey());
    if (random.chance(0.7)) for (let n = random.below(4); n >= 0; n--) calls.push(...this.#tried());
    // Now and then more than fits into a step, or more requests than people are asked at once.
    if (random.chance(0.01)) for (let n = 20 + random.below(20); n >= 0; n--) calls.push(...this.#tried());
    if (random.chance(0.2)) calls.reverse();
    const ends = random.chance([0, 0.4][answers] ?? 0.6);
    if (ends && random.chance(0.9)) return { text: 'All is done.', calls: [], stopReason: 'end_turn' };
    const stopReason = calls.length === 0 ? 'end_turn' : this.#stopReason();
    return {
      text: random.chance(0.5) ? 'I do as I was told.' : calls.length === 0 ? 'Done.' : '',
      calls,
      stopReason,
    };
  }

  /** Calls where none are allowed: in the last words after a limit. */
  lastWords(): HostileAnswer {
    const { random } = this.#options;
    const calls = random.chance(0.5) ? [...this.#obey(), ...this.#tried()] : [];
    return { text: 'I have to stop here.', calls, stopReason: random.chance(0.5) ? 'tool_use' : 'end_turn' };
  }

  #stopReason(): string {
    const { random } = this.#options;
    if (random.chance(0.96)) return 'tool_use';
    return random.pick(['end_turn', 'max_tokens', 'pause_turn', 'refusal', 'stop_sequence', 'nonsense']);
  }

  #recorded({ steps }: Recording): readonly HostileCall[] {
    const step = steps[this.#step % steps.length];
    this.#step++;
    return step?.calls.map(({ tool, input }) => ({ name: tool, input })) ?? [];
  }

  #obey(): readonly HostileCall[] {
    this.#obeyed++;
    const { goals } = this.#options;
    this.goalCalls += goals.length;
    return goals.map(({ tool, input }) => ({ name: tool, input }));
  }

  /** One call in some shape; at times the same one over and over. */
  #tried(): readonly HostileCall[] {
    const { random, recording, goals, vocabulary, wanted } = this.#options;
    const from = random.pick<readonly GoalCall[]>([recording.calls, goals, wanted, vocabulary, vocabulary]);
    const base = random.any(from) ?? random.any(vocabulary);
    if (base === null) return [];
    const call = twist(base, random);
    this.#count(call);
    return Array.from({ length: random.chance(0.05) ? 2 + random.below(4) : 1 }, () => call);
  }

  #count({ twist: name }: Twisted): void {
    for (const part of name.split('+')) this.twists.set(part, (this.twists.get(part) ?? 0) + 1);
  }
}
