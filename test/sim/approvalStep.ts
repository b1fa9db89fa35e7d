import type { Asked } from './approvalRules.ts';
import type { Fate, Gate, PlannedCall, Story } from './approvalStories.ts';

// The reference's calls of one step, from what the policy says to what the agent is told.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MOST_REQUESTS = 5;

interface Call {
  readonly plan: PlannedCall;
  readonly name: string;
  fates: readonly Fate[];
  args: string;
  asked: Asked | null;
  doubt: Asked | null;
  held: { readonly sinceMs: number; readonly againMs: number | null } | null;
  requests: number;
  generation: number;
  outcome: string | null;
}

/** An attempt at a call, as everybody may see it. */
export interface Ran {
  readonly call: string;
  readonly args: string;
  readonly generation: number;
  readonly approval: string | null;
  readonly votes: readonly string[];
}

/** What a step needs of its run. */
export interface Around {
  readonly ask: (about: Pick<Asked, 'id' | 'kind' | 'args'>, gate: Gate | null) => Asked;
  readonly withdraw: (asked: Asked) => void;
  /** Puts an attempt on record; the time when it had ended. */
  readonly attempt: (ran: Ran) => number;
  /** Nobody decided in time: people take over once the agent has had its say. */
  readonly leave: () => void;
}

export class ReferenceStep {
  /** Something moved since this was last set to false. */
  changed = true;
  readonly #calls: readonly Call[];
  readonly #rules: Story['rules'];
  readonly #around: Around;

  constructor(
    step: number,
    { rules }: Story,
    calls: readonly { readonly plan: PlannedCall; readonly args: string }[],
    around: Around,
  ) {
    this.#rules = rules;
    this.#around = around;
    this.#calls = calls.map(({ plan, args }, i) => ({
      plan,
      args,
      name: `${step}/${i}`,
      fates: plan.fates,
      asked: null,
      doubt: null,
      held: null,
      requests: 0,
      generation: 1,
      outcome: null,
    }));
  }

  get #open(): readonly Call[] {
    return this.#calls.filter(({ outcome }) => outcome === null);
  }

  get isDone(): boolean {
    return this.#open.length === 0;
  }

  get isHeld(): boolean {
    return this.#open.some(({ held }) => held !== null);
  }

  get outcomes(): readonly string[] {
    return this.#calls.map(({ outcome }) => outcome ?? '');
  }

  /** When held calls look again. */
  get againMs(): readonly number[] {
    return this.#open.flatMap(({ held }) => held?.againMs ?? []);
  }

  /** No effect is in anybody's way any more. */
  clearFates(): void {
    for (const call of this.#calls) call.fates = [];
  }

  tryAgain(): void {
    for (const call of this.#open) if (call.held !== null) call.held = { ...call.held, againMs: null };
    this.changed = true;
  }

  /** What people, the clock and the customer did, as far as it answers calls. */
  digest(nowMs: number, { stop, handOver }: { readonly stop: boolean; readonly handOver: boolean }): void {
    const open = this.#open;
    for (const { asked } of stop ? open : []) if (asked?.state === 'open') this.#around.withdraw(asked);
    for (const call of open) {
      if (call.held === null) this.#digestAsked(call, handOver);
      else if (call.held.againMs === null) {
        // Somebody who says to try again is heard before anything is given up.
      } else if (stop || nowMs >= call.held.sinceMs + 7 * DAY_MS) this.#answer(call, 'switched_off');
      else if (nowMs >= call.held.againMs) {
        call.held = { ...call.held, againMs: null };
        this.changed = true;
      }
    }
    if (!handOver) return;
    for (const call of open)
      if (call.outcome === null && call.doubt === null) this.#answer(call, 'handed_over');
  }

  #digestAsked(call: Call, handOver: boolean): void {
    const { asked, doubt } = call;
    switch (asked?.state) {
      case 'open':
        return;
      case 'rejected':
        this.#answer(call, 'rejected');
        return;
      case 'withdrawn':
        this.#answer(call, handOver ? 'handed_over' : 'withdrawn');
        return;
      case 'expired':
        if (asked.escalates) this.#around.leave();
        this.#answer(call, 'expired');
        return;
      case 'answered':
        if (asked.kind === 'question') this.#answer(call, 'ran');
        else this.#edit(call, asked.edited);
        return;
      default:
        if (doubt !== null && doubt.state !== 'open') this.#settle(call, doubt, handOver);
    }
  }

  #edit(call: Call, args: string): void {
    call.args = args;
    call.asked = null;
    this.changed = true;
    if (args.startsWith('bad')) this.#answer(call, 'bad_call');
  }

  #settle(call: Call, doubt: Asked, handOver: boolean): void {
    if (doubt.state === 'expired') this.#around.leave();
    if (doubt.answer !== 'did_not' || handOver) {
      this.#answer(call, wordOf(doubt));
      return;
    }
    call.doubt = null;
    call.generation++;
    this.changed = true;
  }

  /** Asks for everything that needs it, then starts what may start: effects in order, each after all before it. */
  act({ handOver }: { readonly handOver: boolean }): void {
    for (const call of this.#open) {
      if (call.asked !== null || !needsPeople(call)) continue;
      if (call.requests >= MOST_REQUESTS) this.#answer(call, 'not_approved');
      else call.asked = this.#ask(call, call.plan.tool === 'ask_person' ? 'question' : 'call');
    }
    if (handOver) return;
    const open = this.#open;
    for (const [i, call] of open.entries()) {
      const before = open.slice(0, i);
      const waits = isEffect(call) ? before.length > 0 : before.some(isEffect);
      const agreed = call.asked === null || call.asked.state === 'approved';
      if (agreed && !waits && call.doubt === null && (call.held?.againMs ?? null) === null) this.#run(call);
    }
  }

  #run(call: Call): void {
    const [fate = 'done', ...rest] = isEffect(call) ? call.fates : [];
    call.fates = rest;
    const { name, args, generation, asked } = call;
    const endedAtMs = this.#around.attempt({
      call: name,
      args,
      generation,
      approval: asked?.id ?? null,
      votes: asked?.votes ?? [],
    });
    this.changed = true;
    if (fate === 'done') this.#answer(call, 'ran');
    else if (fate === 'held')
      call.held = { sinceMs: call.held?.sinceMs ?? endedAtMs, againMs: endedAtMs + HOUR_MS };
    else if (fate === 'stale') {
      // The terms have changed: the yes does not stand any more, and whoever repeats it is told so.
      if (asked !== null) asked.by = '';
      call.asked = null;
    } else {
      call.held = null;
      call.doubt = this.#ask(call, 'reconcile');
    }
  }

  /** Nothing starts any more: false while it is not known of every effect what became of it. */
  windUp(): boolean {
    const open = this.#open;
    if (open.some(({ doubt }) => doubt?.state === 'open')) return false;
    for (const call of open) this.#answer(call, call.doubt === null ? 'cancelled' : wordOf(call.doubt));
    return true;
  }

  #ask(call: Call, kind: Asked['kind']): Asked {
    const { tool } = call.plan;
    const gate = kind === 'call' ? (this.#rules[Number(tool.slice('gate'.length))] ?? null) : null;
    call.requests++;
    this.changed = true;
    return this.#around.ask({ id: `${call.name}/${call.requests}`, kind, args: call.args }, gate);
  }

  #answer(call: Call, outcome: string): void {
    call.outcome = outcome;
    this.changed = true;
  }
}

/** What the agent is told of an effect once a person, or nobody, has said what became of it. */
function wordOf({ answer }: Asked): string {
  return answer === 'happened' ? 'ran' : answer === 'did_not' ? 'void' : 'unknown_outcome';
}

function needsPeople({ plan, args }: Call): boolean {
  return plan.tool === 'ask_person' || (plan.tool.startsWith('gate') && !args.startsWith('small'));
}

function isEffect({ plan }: Call): boolean {
  return plan.tool === 'free' || plan.tool.startsWith('gate');
}
