import type {
  CallModelInput,
  CallModelResult,
  EndRunInput,
  ResolveEffectInput,
  RunToolInput,
} from '../../../src/activities/types.ts';
import type { ApprovalRecord } from '../../../src/core/approvals.ts';
import type { CallOutcome } from '../../../src/core/calls.ts';
import type { Hash } from '../../../src/core/ids.ts';
import type { RunPhase } from '../../../src/core/runPhases.ts';
import type { Append, Head, ResultRef, UnrecordedDecision } from '../../../src/core/state.ts';
import { type Random, randomOf } from '../../hostile/random.ts';
import type { UpdateHandle } from '../updates.ts';
import type { CallPlan, Program, Saying, Scene, StoreTrouble, ToolPlan } from './program.ts';

/** Something that was said, and when the server got it. */
export interface Said {
  readonly same?: string;
  atMs: number;
}

/** What a person said, as the server got it. */
export interface Heard {
  readonly saying: Saying;
  readonly who: string;
  readonly approval: string;
  readonly kind: string;
  readonly argsHash: string | null;
  /** The same words make the same text. */
  readonly same: string;
  atMs: number;
  readonly handle: UpdateHandle | null;
}

export interface SentMessage {
  readonly id: string;
  readonly text: string;
  atMs: number;
  readonly handle: UpdateHandle | null;
}

/** The ledger's row of one effect. */
export interface Effect {
  readonly key: string;
  readonly tool: ToolPlan;
  generation: number;
  state: 'open' | 'settled' | 'unknown' | 'void';
  outcome: CallOutcome | null;
  applied: boolean;
  /** An attempt was lost: it may have acted. */
  doubt: boolean;
  /** A person's word on what became of it. */
  said: ResolveEffectInput['said'] | null;
}

/** Something that happened outside, in the world where a second time hurts. */
export interface Application {
  readonly key: string;
  readonly input: RunToolInput;
  readonly tool: ToolPlan;
  readonly atMs: number;
}

export interface Entry {
  readonly role: 'user' | 'assistant';
  readonly texts: readonly string[];
  readonly callIds: readonly string[];
}

/** Everything that really happened, kept by the fake activities and by the player; the judge reads nothing else. */
export class Facts {
  readonly program: Program;
  readonly random: Random;
  /** The last part of a program: nothing fails any more, so that it can come to its end. */
  calm = false;
  execution = 0;
  run = '';

  readonly chain: Entry[] = [];
  readonly answers = new Map<string, CallModelResult>();
  readonly blobs = new Map<string, string>();
  readonly results = new Map<string, ResultRef>();
  readonly keyOf = new Map<string, string>();
  readonly capped = new Set<Scene>();
  scene = 0;
  tried = 0;
  tokens = 0;
  costMicroUsd = 0;

  readonly calls = new Map<string, CallPlan>();
  /** Calls that were begun inside a workflow task. */
  readonly quickly = new Set<string>();
  /** Calls whose look was answered, by whatever attempt. */
  readonly answered = new Set<string>();
  readonly fatesUsed = new Map<string, number>();
  readonly effects = new Map<string, Effect>();
  readonly applications: Application[] = [];
  readonly switches = new Set<string>();
  isBroken: boolean;
  terms = 1;
  readonly storeTroubles: StoreTrouble[] = [];
  /** By call, how often in a row the word of its preparation was lost. */
  readonly preparationsLost = new Map<string, number>();

  readonly asked = new Map<string, ApprovalRecord>();
  readonly recorded: UnrecordedDecision[] = [];
  /** Work of activities that has been done, by execution and activity id, with its result. */
  readonly done = new Map<string, unknown>();
  readonly remindersPending = new Set<string>();
  readonly verifying = new Set<string>();
  readonly verified = new Set<string>();
  readonly arrivedAtMs = new Map<string, number>();
  readonly heard: Heard[] = [];
  readonly messages: SentMessage[] = [];
  readonly steered: { readonly name: string; atMs: number }[] = [];
  /** What is said during the next task reaches the server then, and not before. */
  readonly underway: Said[] = [];

  /** What the run's row says, for lists; null before there is one. */
  row: RunPhase | null = null;

  /** Called when the end is about to be written down. */
  onEnding: () => void = () => undefined;
  isEnding = false;
  readonly ended: EndRunInput[] = [];

  /** What the honest activities saw that must not be. */
  readonly faults: string[] = [];
  readonly reached = new Set<string>();

  constructor(program: Program) {
    this.program = program;
    this.random = randomOf(program.seed);
    this.isBroken = program.agent.broken;
  }

  reach(state: string): void {
    this.reached.add(state);
  }

  /** Writes into the row, where there is one that is not over. */
  tellRow(phase: RunPhase | null): void {
    if (this.row !== null && this.row !== 'ended' && phase !== null) this.row = phase;
  }

  toolOf(name: string): ToolPlan | undefined {
    return this.program.agent.tools.find((tool) => tool.name === name);
  }

  /** Requests that nobody has been told are closed. */
  get openRequests(): readonly ApprovalRecord[] {
    const closed = new Set(this.recorded.map(({ approval }) => approval));
    return [...this.asked.values()].filter(({ id }) => !closed.has(id));
  }

  /** Where the conversation stands. */
  get head(): Head {
    const seq = this.chain.length;
    return { seq, node: `${seq}`.padStart(64, 'd') as Hash };
  }

  appliedTimes(key: string): number {
    return this.applications.filter((one) => one.key === key).length;
  }

  /** The newest answer, and how the conversation stood before it: a run that is cancelled may never hear of it. */
  unheard: {
    readonly length: number;
    readonly step: number;
    readonly costMicroUsd: number;
  } | null = null;
  /** Spent for an answer that the run never heard of. */
  orphanedMicroUsd = 0;

  /** The end goes on from where the run stands: an answer that it never heard of is no part of the conversation. */
  end({ head, append, outcome }: EndRunInput): { readonly head: Head | null } {
    const { unheard } = this;
    this.unheard = null;
    if (outcome === 'cancelled' && unheard !== null && (head?.seq ?? 0) === unheard.length) {
      this.reach('cancelled before an answer was heard of');
      this.chain.length = unheard.length;
      for (const key of this.calls.keys())
        if (key.startsWith(`${this.run}/${unheard.step}/`)) this.calls.delete(key);
      this.orphanedMicroUsd = unheard.costMicroUsd;
    }
    const seq = head?.seq ?? 0;
    if (seq !== this.chain.length)
      this.faults.push(`V3: the end goes on from message ${seq} of ${this.chain.length}`);
    this.append(append);
    return { head: this.chain.length === seq ? head : this.head };
  }

  /** Puts an append at the end of the conversation: results answer the calls before them, once each and in order. */
  append({ results, texts }: Append): void {
    const asked = this.chain.at(-1)?.callIds ?? [];
    const given = results.map(({ callId }) => callId);
    if (asked.join() !== given.join())
      this.faults.push(`V3: results do not answer the calls: [${given.join()}] for [${asked.join()}]`);
    for (const result of results) this.results.set(this.keyOf.get(result.callId) ?? result.callId, result);
    this.#noteResults(results);
    if (results.length + texts.length === 0) return;
    const own = texts
      .filter(({ by }) => by === 'user')
      .map((text) => (text.kind === 'inline' ? text.text : (this.blobs.get(text.ref) ?? '')));
    this.chain.push({ role: 'user', texts: own, callIds: [] });
  }

  #noteResults(results: readonly ResultRef[]): void {
    const isOut = ({ content }: ResultRef) =>
      content.kind === 'inline' && /too many calls at once|has reached a limit/.test(content.text);
    if (results.some(isOut) && results.some(({ content }) => content.kind === 'blob'))
      this.reach('budget out in the middle of a parallel batch');
  }

  /** The conversation goes on where it stands, or it has been forked. */
  checkHead({ head, step }: CallModelInput): void {
    const seq = head?.seq ?? 0;
    if (seq !== this.chain.length)
      this.faults.push(`V3: step ${step} goes on from message ${seq} of ${this.chain.length}`);
  }
}
