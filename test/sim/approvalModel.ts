/**
 * The reference: what people, the clock and a run may do to each other, in as few words as possible. Written from the
 * rules, not from the workflow: it has no activities, no promises and no seams, only what must come out of them.
 */
import { type Answer, type Asked, type Heard, isUpdate, newAsked, objections } from './approvalRules.ts';
import { type Around, type Ran, ReferenceStep } from './approvalStep.ts';
import { type Gate, type PlannedCall, REQUESTER, type Story, verificationMs } from './approvalStories.ts';

const DAY_MS = 86_400_000;
const GRACE_MS = 30_000;
/** A run that ends waits twice as long. */
const END_GRACE_MS = 60_000;

interface Waiting {
  readonly heard: Heard;
  readonly readAtMs: number;
  readonly countsAtMs: number;
  /** Everybody who sent the same words while they waited. */
  readonly senders: Heard[];
}

export interface Outside {
  /** The workflow's time when it opened a request: the one fact of time that is read off. */
  readonly openedAtMs: (approval: string) => number;
  /** When the nth attempt at an effect had ended. */
  readonly endedAtMs: (attempt: number) => number;
  readonly rolesOf: (who: string) => readonly string[] | string;
}

export interface Recorded {
  readonly approval: string;
  readonly state: string;
  readonly by: string;
  /** Of a refusal: everything that speaks against it. */
  readonly whys: readonly string[];
}

export interface Reminded {
  readonly approval: string;
  readonly reminded: boolean;
  readonly to: readonly string[];
  readonly atMs: number;
}

export class Reference {
  readonly requests: Asked[] = [];
  readonly ran: Ran[] = [];
  readonly recorded: Recorded[] = [];
  readonly reminded: Reminded[] = [];
  readonly results: (readonly string[])[] = [];
  readonly answers = new Map<Heard, Answer>();
  ended: string | null = null;
  suggested = false;
  readonly #story: Story;
  readonly #outside: Outside;
  #steps = 0;
  #step: ReferenceStep | null = null;
  #queue: readonly Waiting[] = [];
  #inbox = 0;
  #paused: { readonly sinceMs: number; asked: Asked | null } | null = null;
  #pauses = 0;
  #batches = 0;
  #sitting = false;
  /** Cancelled just now: what was due at that moment is still taken in, and nothing is begun. */
  #stopping = false;
  #handOver = false;
  /** Nobody decided in time: the agent has its last words, then people take over. */
  #later = false;
  #closing = false;
  #ending: { readonly how: string; readonly sinceMs: number } | null = null;
  /** What could be withdrawn is; a cancelled run still waits to hear what became of what nobody knows. */
  #winding = false;
  #moving = false;
  #changed = false;

  constructor(story: Story, outside: Outside) {
    this.#story = story;
    this.#outside = outside;
  }

  get open(): readonly Asked[] {
    return this.requests.filter(({ state }) => state === 'open');
  }

  get phase(): string {
    if (this.ended !== null) return 'ended';
    if (this.#paused !== null && this.#ending === null) return 'paused';
    if (this.#step === null) return 'idle';
    if (this.open.length === 0) return 'held';
    return this.open.some(({ kind }) => kind === 'reconcile') ? 'unknown' : 'waiting';
  }

  get isPaused(): boolean {
    return this.#paused !== null;
  }

  /** Cancelled, and waiting to hear what became of an effect. */
  get isWinding(): boolean {
    return this.#winding;
  }

  get isHeld(): boolean {
    return this.#step?.isHeld ?? false;
  }

  /** The agent makes its calls; the customer's message that led to them is answered with their results. */
  begin(calls: readonly PlannedCall[], name: (ordinal: number) => string, nowMs: number): void {
    const around: Around = {
      ask: (about, gate) => this.#ask(about, gate),
      withdraw: (asked) => this.#close(asked, 'withdrawn'),
      attempt: (ran) => this.#outside.endedAtMs(this.ran.push(ran) - 1),
      leave: () => {
        this.#later = true;
      },
    };
    const named = calls.map((plan, i) => ({ plan, args: name(i) }));
    this.#step = new ReferenceStep(++this.#steps, this.#story, named, around);
    this.#move(nowMs);
  }

  /** No effect is in anybody's way any more. */
  clearFates(): void {
    this.#step?.clearFates();
  }

  /** Messages of one activation. What acts at once acts at once; the rest waits to be verified. */
  hear(list: readonly Heard[], nowMs: number): void {
    for (const heard of list) {
      const { name } = heard;
      if (this.#moving && isUpdate(heard)) this.#reply([heard], { kind: 'refused', whys: ['moving'] });
      else if (name === 'message') this.#inbox += this.#closing || this.#handOver ? 0 : 1;
      else if (name === 'cancel')
        this.#steer(heard, () => {
          this.#stopping = this.#ending === null;
        });
      else if (name === 'pause')
        this.#steer(heard, () => {
          this.#paused ??= { sinceMs: nowMs, asked: null };
        });
      else if (name !== 'decide') this.#wait(heard, nowMs, nowMs);
      else {
        const asked = this.open.find(({ id }) => id === heard.approval);
        if (asked === undefined) this.#answerClosed(heard, [heard]);
        else if (nowMs < asked.deadlineMs) this.#wait(heard, nowMs, nowMs);
        else if (heard.via === 'signal') this.#wait(heard, nowMs, heard.atMs);
        else this.#refuse(heard, [heard], ['too_late']);
      }
    }
    this.tick(nowMs);
    if (this.#stopping) {
      this.#ending ??= { how: 'cancelled', sinceMs: nowMs };
      this.#moving = false;
    }
    this.#stopping = false;
  }

  /** Verifies what waits: the first message by itself, then all that came meanwhile. Returns when it was done. */
  verify(nowMs: number): void {
    let atMs = nowMs;
    for (let batch: readonly Waiting[] = this.#queue.slice(0, 1); batch.length > 0; batch = this.#queue) {
      // A run that ends does not wait longer than its grace for what people said before.
      const takesMs = verificationMs(this.#story, this.#batches++);
      if (this.#ending !== null && atMs + takesMs > this.#ending.sinceMs + END_GRACE_MS) this.#windUp();
      if (this.ended !== null) return;
      atMs += takesMs;
      this.clockTo(atMs);
      const moving = this.#moving;
      for (const one of batch) {
        this.#queue = this.#queue.filter((other) => other !== one);
        this.#settle(one);
      }
      // It takes along what nobody waits for: the next execution verifies that.
      if (moving && !this.#queue.some(({ senders }) => senders.some(isUpdate))) this.#arrive();
      this.tick(atMs);
    }
    this.#arrive();
    if (this.#ending !== null) this.#windUp();
    this.tick(atMs);
  }

  /** The next execution begins, where it may pause. */
  #arrive(): void {
    if (this.#moving) this.#sitting = this.#paused !== null;
    this.suggested = this.#moving = false;
  }

  /** The next time at which the clock does something by itself. */
  nextMs(): number {
    if (this.#isInert) return Infinity;
    const paused = this.#winding || !this.#sitting ? null : this.#paused;
    if (paused !== null && paused.asked === null) return paused.sinceMs + 7 * DAY_MS;
    const held = paused === null && !this.#winding ? (this.#step?.againMs ?? []) : [];
    return Math.min(
      ...held,
      ...this.open.flatMap((asked) => [
        this.#graceEndMs(asked),
        ...asked.remindAt.slice(0, 1),
        ...asked.escalateAt.slice(0, 1).map(({ atMs }) => atMs),
      ]),
    );
  }

  get #isInert(): boolean {
    return this.ended !== null || this.#moving || (this.#ending !== null && !this.#winding);
  }

  clockTo(ms: number): void {
    for (let ticks = 0; this.nextMs() <= ms; ticks++) {
      if (ticks > 1_000) throw new Error('the clock of the reference stands still');
      this.tick(this.nextMs());
    }
  }

  /** What the clock does at one look: it reminds, asks others too, and expires; it never approves. */
  tick(nowMs: number): void {
    if (this.#isInert) return;
    const paused = this.#winding || !this.#sitting ? null : this.#paused;
    if (paused !== null && paused.asked === null) {
      if (this.#stopping || nowMs < paused.sinceMs + 7 * DAY_MS) {
        this.#move(nowMs);
        return;
      }
      paused.asked = this.#ask({ id: `0/0/${++this.#pauses}`, kind: 'pause', args: null }, null);
    }
    let isDue = false;
    for (const asked of this.open) {
      const reminded = asked.remindAt.some((atMs) => atMs <= nowMs);
      const to = asked.escalateAt.filter(({ atMs }) => atMs <= nowMs).map(({ person }) => person);
      if (!reminded && to.length === 0) continue;
      isDue = true;
      if (!this.#stopping) this.reminded.push({ approval: asked.id, reminded, to, atMs: nowMs });
      asked.remindAt = asked.remindAt.filter((atMs) => atMs > nowMs);
      asked.escalateAt = asked.escalateAt.filter(({ atMs }) => atMs > nowMs);
      // Whom everybody may decide for, nobody has to be added to.
      if (asked.people.length + asked.roles.length > 0) asked.people = [...asked.people, ...to];
    }
    // Told just when the run was cancelled: nobody hears of it, and nothing else is looked at.
    if (isDue && this.#stopping) return;
    for (const asked of this.open) if (this.#graceEndMs(asked) <= nowMs) this.#close(asked, 'expired');
    this.#move(nowMs);
  }

  /** What came before the deadline is waited for while it is verified, for half a minute. */
  #graceEndMs({ id, deadlineMs }: Asked): number {
    const waiting = this.#queue.filter(({ heard }) => heard.approval === id).map(({ readAtMs }) => readAtMs);
    return waiting.length === 0 ? deadlineMs : Math.max(deadlineMs, ...waiting) + GRACE_MS;
  }

  #wait(heard: Heard, readAtMs: number, countsAtMs: number): void {
    const same = this.#queue.find((one) => one.heard.same === heard.same);
    if (same !== undefined) same.senders.push(heard);
    else this.#queue = [...this.#queue, { heard, readAtMs, countsAtMs, senders: [heard] }];
  }

  #settle({ heard, countsAtMs, senders }: Waiting): void {
    const roles = this.#story.keyed ? (heard.signed ? this.#outside.rolesOf(heard.who) : 'unsigned') : [];
    const asked = this.open.find(({ id }) => id === heard.approval);
    if (typeof roles === 'string') this.#refuse(heard, senders, [roles]);
    else if (heard.name !== 'decide') this.#steerVerified(heard, roles);
    else if (asked === undefined) this.#answerClosed(heard, senders);
    else {
      const whys = objections(asked, heard, { roles, atMs: countsAtMs, keyed: this.#story.keyed });
      if (whys.length > 0) this.#refuse(heard, senders, whys);
      else this.#reply(senders, this.#decide(asked, heard));
    }
  }

  #decide(asked: Asked, { who, kind, edited, answer }: Heard): Answer {
    if (kind === 'approve') asked.votes = [...asked.votes, who];
    if (kind === 'approve' && asked.votes.length < asked.quorum) {
      this.#record(asked.id, 'vote', who);
      return { kind: 'voted', votes: asked.votes.length, quorum: asked.quorum };
    }
    const state = kind === 'approve' ? 'approved' : kind === 'reject' ? 'rejected' : 'answered';
    Object.assign(asked, { edited, answer, said: kind });
    this.#close(asked, state, who);
    return { kind: 'decided', state };
  }

  /** The word that closed it gets its answer again; every other one is too late. */
  #answerClosed(heard: Heard, senders: readonly Heard[]): void {
    const asked = this.requests.find(({ id }) => id === heard.approval);
    if (asked === undefined) this.#refuse(heard, senders, ['unknown_approval']);
    else if (asked.by === heard.who && asked.said === heard.kind)
      this.#reply(senders, { kind: 'decided', state: asked.state });
    else this.#refuse(heard, senders, ['already_decided']);
  }

  #steerVerified(heard: Heard, roles: readonly string[]): void {
    const own = heard.who === REQUESTER && (heard.name === 'close' || heard.name === 'handOver');
    const may = !this.#story.keyed || own || (heard.who !== REQUESTER && roles.includes('operator'));
    if (!may) {
      this.#refuse(heard, [], ['not_an_operator']);
      return;
    }
    this.#steer(heard, () => {
      if (heard.name === 'resume') this.#endPause();
      else if (heard.name === 'retry') this.#step?.tryAgain();
      else if (heard.name === 'close') this.#closing = true;
      else if (heard.name === 'handOver') this.#handOver = true;
      else this.suggested = true;
    });
  }

  #steer({ name, who }: Heard, act: () => void): void {
    act();
    this.#record('', `steer_${name}`, who);
  }

  #endPause(): void {
    const asked = this.#paused?.asked;
    if (asked?.state === 'open') this.#close(asked, 'withdrawn');
    this.#paused = null;
  }

  /** The run by itself: until only people, the customer or the clock can move it on. */
  #move(nowMs: number): void {
    for (let turn = 0; this.#moveOnce(nowMs); turn++)
      if (turn > 1_000) throw new Error('the reference turns in circles');
  }

  /** True when there may be more to do. */
  #moveOnce(nowMs: number): boolean {
    this.#changed = false;
    if (this.#step !== null) this.#step.changed = false;
    if (this.#winding) this.#windUp();
    if (this.#winding || this.#isInert) return false;
    const stop = (this.#inbox > 0 && this.#story.whileWaiting === 'withdraw') || this.#handOver;
    // Between two steps of its own it pauses: what was due when the pause was read is still taken in.
    if (!this.#sitting || this.#paused === null)
      this.#step?.digest(nowMs, { stop, handOver: this.#handOver });
    // It moves to a new execution as soon as nothing waits to be verified, and does nothing else until then.
    this.#moving = this.suggested && this.#queue.length > 0;
    if (this.#moving) return false;
    const sat = this.#sitting;
    this.#sitting = this.#isSittingOut(nowMs);
    // The clock stood still for what was open.
    if (sat && !this.#sitting) this.tick(nowMs);
    if (sat || this.#sitting || this.#stopping || this.#ending !== null) return false;
    this.#finishStep(nowMs);
    if (this.#ending === null) this.#step?.act({ handOver: this.#handOver });
    return this.#changed || (this.#step?.changed ?? false);
  }

  /** Nothing starts any more. A cancelled run ends when it is known of every effect what became of it. */
  #windUp(): void {
    if (this.ended !== null || this.#ending === null) return;
    const { how } = this.#ending;
    this.#winding = true;
    const step = how === 'cancelled' ? this.#step : null;
    for (const asked of this.open)
      if (step === null || asked.kind !== 'reconcile') this.#close(asked, 'withdrawn');
    if (step !== null && !step.windUp()) return;
    if (step !== null) this.results.push(step.outcomes);
    this.ended = how;
  }

  #isSittingOut(nowMs: number): boolean {
    const state = this.#paused?.asked?.state;
    if (state === 'rejected') this.#end('cancelled', nowMs);
    else if (this.#handOver) this.#endPause();
    if (state === 'expired') this.#handOver = true;
    if (state === 'approved' || state === 'expired') this.#paused = null;
    return this.#paused !== null;
  }

  /** The agent reads what came of its calls, and what the customer wrote, and has its say. */
  #finishStep(nowMs: number): void {
    if (this.#step?.isDone === false) return;
    if (this.#step !== null) this.results.push(this.#step.outcomes);
    if (this.#handOver) this.#end('escalated', nowMs);
    if (this.#ending !== null) return;
    if (this.#step !== null || this.#inbox > 0) this.#steps++;
    this.#step = null;
    this.#inbox = 0;
    if (this.#later) this.#end('escalated', nowMs);
    else if (this.#closing) this.#end('completed', nowMs);
  }

  #end(how: string, nowMs: number): void {
    this.#ending ??= { how, sinceMs: nowMs };
    if (this.#queue.length === 0) this.#windUp();
  }

  #ask(about: Pick<Asked, 'id' | 'kind' | 'args'>, gate: Gate | null): Asked {
    const asked = newAsked(about, gate, this.#outside.openedAtMs(about.id));
    this.requests.push(asked);
    this.#changed = true;
    return asked;
  }

  #close(asked: Asked, state: Asked['state'], by = 'holdfast'): void {
    Object.assign(asked, { state, by });
    this.#record(asked.id, state, by);
    this.#changed = true;
  }

  #refuse(heard: Heard, senders: readonly Heard[], whys: readonly string[]): void {
    this.#record(heard.approval, 'refused', heard.who, whys);
    this.#reply(senders, { kind: 'refused', whys });
  }

  #record(approval: string, state: string, by: string, whys: readonly string[] = []): void {
    this.recorded.push({ approval, state, by, whys });
  }

  #reply(senders: readonly Heard[], answer: Answer): void {
    for (const heard of senders) this.answers.set(heard, answer);
  }
}
