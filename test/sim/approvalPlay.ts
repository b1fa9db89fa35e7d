import { deepStrictEqual } from 'node:assert/strict';
import type { ApprovalRecord } from '../../src/core/approvals.ts';
import { canonicalJson, type JsonObject } from '../../src/core/json.ts';
import {
  checkFacts,
  isAnswer,
  LASTING,
  shortId,
  sorted,
  viewAsked,
  viewRecord,
  viewRecorded,
  votersOf,
  wordOf,
} from './approvalChecks.ts';
import { factsOf, factsOfMove, look } from './approvalFacts.ts';
import { Reference } from './approvalModel.ts';
import { type Asked, type Heard, isUpdate, mayDecide } from './approvalRules.ts';
import {
  type Chapter,
  type Moment,
  REQUESTER,
  type Saying,
  type Story,
  type StoryEvent,
} from './approvalStories.ts';
import { type ApprovalWorld, approvalWorld, argsOf, hashOf, nameOf, rolesOf } from './approvalWorld.ts';
import { type Bundle, continueAsNew, Simulation, type UpdateHandle } from './driver.ts';
import { packing } from './packed.ts';
import { carriedState, START_MS } from './world.ts';

/** Plays stories on the real workflow and on the reference, side by side, and compares after every event. */
export interface PlayOptions {
  readonly bundle: Bundle;
  readonly seed: number;
  readonly crashEveryActivation: boolean;
}

export interface Played {
  readonly chapters: number;
  readonly events: number;
  readonly reached: ReadonlySet<string>;
}

export async function play(story: Story, options: PlayOptions): Promise<Played> {
  const player = new Player(story, options);
  try {
    for (const chapter of story.chapters) if (!(await player.playChapter(chapter))) break;
    checkFacts(player.world);
    return { chapters: player.chapters, events: player.events, reached: player.reached };
  } finally {
    await player.dispose();
  }
}

class Player {
  chapters = 0;
  events = 0;
  readonly reached = new Set<string>();
  readonly #story: Story;
  readonly world: ApprovalWorld;
  readonly #reference: Reference;
  #simulation: Simulation;
  readonly #updates: { readonly heard: Heard; readonly handle: UpdateHandle }[] = [];
  /** Expected in the store, and not seen there yet. */
  readonly #unrecorded: Reference['recorded'][number][] = [];
  /** When the words of this event were read; what came of them may have taken until later. */
  #readAtMs = Number.POSITIVE_INFINITY;
  #seen = { ran: 0, reminded: 0, told: 0, results: 0, recorded: 0, expected: 0, updates: 0 };

  constructor(story: Story, { bundle, seed, crashEveryActivation }: PlayOptions) {
    this.#story = story;
    this.world = approvalWorld(story);
    this.#simulation = new Simulation({
      bundle,
      workflowType: 'agentRun',
      args: [{ v: 1, agent: 'test', message: 'hello', requester: { id: REQUESTER } }],
      startTimeMs: START_MS,
      seed,
      crashEveryActivation,
      stableQueries: ['status', 'approvals'],
      maxStepsPerCall: 200,
      activities: packing(this.world.handlers),
    });
    this.#reference = new Reference(story, {
      openedAtMs: (id) => this.#recordOf(id).openedAtMs,
      endedAtMs: (attempt) => this.world.ran[attempt]?.endedAtMs ?? Number.NaN,
      rolesOf: (who) => rolesOf(this.world, who),
    });
  }

  dispose(): Promise<void> {
    return this.#simulation.dispose();
  }

  /** False when the run has ended. */
  async playChapter({ calls, events }: Chapter): Promise<boolean> {
    const reference = this.#reference;
    this.world.next = calls;
    if (this.chapters > 0) this.#simulation.signal('message', { text: 'the next thing', by: REQUESTER });
    this.chapters++;
    await this.#settle();
    const step = Number([...this.world.fates.keys()].at(-1)?.split('/')[1]);
    reference.begin(calls, (ordinal) => nameOf(step, ordinal), this.#simulation.nowMs);
    await this.#check();
    let idleEvents = 0;
    for (const event of events) {
      if (reference.ended !== null) return false;
      if (reference.phase === 'idle' && (event.kind !== 'say' || idleEvents++ > 0)) continue;
      await this.#playEvent(event);
    }
    return this.#finish();
  }

  async #playEvent(event: StoryEvent): Promise<void> {
    this.events++;
    this.world.arrivedAtMs.clear();
    const before = look(this.#reference);
    await this.#happen(event);
    for (const fact of factsOf(this.#reference, event, before, this.#simulation.nowMs))
      this.reached.add(fact);
    await this.#check();
  }

  async #happen(event: StoryEvent): Promise<void> {
    const simulation = this.#simulation;
    this.#readAtMs = Number.POSITIVE_INFINITY;
    switch (event.kind) {
      case 'say':
        return this.#read(this.#send(event.said));
      case 'overlap': {
        const first = this.#send(event.said);
        // What is refused at once is written down at once; only what waits to be verified lets others come between.
        const isOpen = ({ approval }: Heard) => this.#reference.open.some(({ id }) => id === approval);
        if (!first.every(isOpen)) return this.#read([...first, ...this.#send(event.during)]);
        await simulation.deliver();
        return this.#read(this.#send(event.during), first);
      }
      case 'wait': {
        const untilMs = this.#resolve(event.until);
        for (let next = this.#timerMs(); next <= untilMs; next = this.#timerMs()) {
          await this.#simulation.advanceTo(next);
          await this.#settle();
        }
        if (this.#simulation.result.kind === 'running' && this.#simulation.nowMs < untilMs)
          await this.#simulation.advanceTo(untilMs);
        this.#reference.clockTo(this.#simulation.nowMs);
        return;
      }
      case 'down': {
        const untilMs = this.#resolve(event.until);
        const heard: Heard[] = [];
        for (const { earlyMs, ...saying } of [...event.said].sort((a, b) => b.earlyMs - a.earlyMs)) {
          await simulation.accumulateUntil(Math.max(simulation.nowMs, untilMs - earlyMs));
          heard.push(...this.#send([saying]));
        }
        await simulation.accumulateUntil(untilMs);
        return this.#read(heard);
      }
      case 'roles':
        this.world.directory.set(event.who, event.roles);
        return;
      case 'suggest':
        simulation.suggestContinueAsNew = true;
        return;
      default:
        return event satisfies never;
    }
  }

  /** One activation with these messages, and all that follows from it: first for the run, then for the reference. */
  async #read(heard: readonly Heard[], before: readonly Heard[] = []): Promise<void> {
    const atMs = this.#simulation.nowMs;
    this.#readAtMs = atMs;
    this.#reference.suggested = this.#simulation.suggestContinueAsNew;
    await this.#settle();
    if (before.length > 0) this.#reference.hear(inOrder(before), atMs);
    this.#reference.hear(inOrder(heard), atMs);
    this.#reference.verify(atMs);
    this.#reference.clockTo(this.#simulation.nowMs);
  }

  async #settle(): Promise<void> {
    await this.#simulation.runUntilIdle();
    while (this.#simulation.result.kind === 'continuedAsNew') {
      const state = carriedState(this.#simulation);
      for (const fact of factsOfMove(state)) this.reached.add(fact);
      const next = await continueAsNew(this.#simulation);
      await this.#simulation.dispose();
      this.#simulation = next;
      await next.runUntilIdle();
    }
  }

  #timerMs(): number {
    const { result, pendingTimers } = this.#simulation;
    return result.kind === 'running' ? (pendingTimers[0]?.firesAtMs ?? Infinity) : Infinity;
  }

  #resolve({ to, offset }: Moment): number {
    const { nowMs } = this.#simulation;
    const deadlines = this.#reference.open.map(({ deadlineMs }) => deadlineMs);
    const base =
      to === 'next' ? this.#reference.nextMs() : to === 'deadline' ? Math.min(...deadlines) : Infinity;
    const atMs = Number.isFinite(base) ? base + offset : nowMs + Math.max(1, offset) * 60_000;
    return Math.max(nowMs, atMs);
  }

  #send(said: readonly Saying[]): Heard[] {
    const heard: Heard[] = [];
    for (const saying of said)
      for (let time = 0; time < saying.times; time++) heard.push(this.#sendOne(saying));
    return heard;
  }

  #sendOne(saying: Saying): Heard {
    const { name, via, signed } = saying;
    const atMs = this.#simulation.nowMs;
    const asked = name === 'decide' ? this.#findAsked(saying) : null;
    const who = this.#whoOf(saying, asked);
    const person = { by: who, channel: 'test', ...(signed && this.#story.keyed && { signature: 'x' }) };
    const plain = { ...saying, who, approval: '', saw: null, edited: '', atMs };
    if (name !== 'decide') {
      const body = name === 'message' ? { text: 'and this', by: REQUESTER } : person;
      this.#simulation.signal(name, body);
      return { ...plain, same: `${name} ${canonicalJson(body)}` };
    }
    const asks = asked?.kind === 'reconcile' || asked?.kind === 'question';
    const kind = asks && saying.kind === 'approve' ? 'answer' : saying.kind;
    const saw =
      asked?.args == null || saying.hash === 'none' ? null : saying.hash === 'wrong' ? 'other' : asked.args;
    const id = asked?.id ?? '99/9/9';
    const edited = `${saying.edit === 'large' ? 'e' : saying.edit}${id.replaceAll('/', '.')}`;
    const body: JsonObject = {
      ...person,
      approval: `${this.world.run}/${id}`,
      kind,
      ...(saw !== null && { argsHash: hashOf(saw) }),
      ...(kind === 'edit' && { arguments: { word: edited } }),
      ...(kind === 'answer' && { answer: { outcome: saying.answer } }),
    };
    const same = canonicalJson(body);
    if (via === 'signal' && !this.world.arrivedAtMs.has(same)) this.world.arrivedAtMs.set(same, atMs);
    const heard = { ...plain, kind, approval: id, saw, edited, same };
    if (via === 'signal') this.#simulation.signal('decide', body);
    else this.#updates.push({ heard, handle: this.#simulation.update('decideNow', [body]) });
    return heard;
  }

  #findAsked({ about }: Saying): Asked | null {
    const { open, requests } = this.#reference;
    const among = about.what === 'open' ? open : requests.filter(({ state }) => state !== 'open');
    return about.what === 'nothing' ? null : (among[about.pick % among.length] ?? null);
  }

  /** `fit` is somebody who may decide and has not voted, as far as anybody is. */
  #whoOf({ who }: Saying, asked: Asked | null): string {
    if (who !== 'fit') return who;
    const fit = [...this.world.directory].find(
      ([name, roles]) =>
        asked !== null &&
        mayDecide(asked, name, this.#story.keyed ? roles : []) &&
        !asked.votes.includes(name),
    );
    return fit?.[0] ?? 'bo';
  }

  /** V5. Whatever was said: once nothing stands in the way, the clock alone brings every call to its result. */
  async #finish(): Promise<boolean> {
    const reference = this.#reference;
    for (let round = 0; round < 12; round++) {
      if (reference.ended !== null) return false;
      if (reference.phase === 'idle') return true;
      reference.clearFates();
      this.world.fates = new Map([...this.world.fates.keys()].map((key) => [key, []]));
      this.world.directory.set('bo', ['operator']);
      if (reference.phase === 'paused') await this.#playEvent(says('resume'));
      else if (reference.phase === 'held') await this.#playEvent(says('retry'));
      else await this.#playEvent({ kind: 'wait', until: { to: 'deadline', offset: 0 } });
    }
    throw new Error(`V5: the step does not come to its end: ${reference.phase}`);
  }

  #recordOf(id: string): ApprovalRecord {
    const record = this.world.opened.get(`${this.world.run}/${id}`);
    if (record === undefined)
      throw new Error(
        `the reference asks for ${id}, the run has not; it has ${[...this.world.opened.keys()].map(shortId).join(' ')}`,
      );
    return record;
  }

  /** Everything that can be seen of the run is what the reference says. */
  async #check(): Promise<void> {
    const reference = this.#reference;
    const world = this.world;
    const { result } = this.#simulation;
    const ended = result.kind === 'completed' ? (result.value as { outcome: string }).outcome : null;
    deepStrictEqual(
      { ended, phase: this.#simulation.searchAttributes.HoldfastState, run: result.kind },
      { ended: reference.ended, phase: reference.phase, run: ended === null ? 'running' : 'completed' },
    );
    const seen = this.#seen;
    const ran = world.ran.slice(seen.ran).map(({ input }) => ({
      call: shortId(input.key),
      args: argsOf(input.argsHash),
      generation: input.generation,
      approval: input.approval === null ? null : shortId(input.approval.id),
      votes: input.approval === null ? [] : votersOf(input.approval.decision),
    }));
    deepStrictEqual(ran, reference.ran.slice(seen.ran), 'what ran');
    const reminded = world.reminded.slice(seen.reminded).map(({ approval, reminded, escalatedTo }) => ({
      approval: shortId(approval),
      reminded,
      to: escalatedTo?.people ?? [],
    }));
    const isOpen = (id: string) => reference.open.some((asked) => asked.id === id);
    const expected = reference.reminded
      .slice(seen.told)
      // What falls due while the words that close it are being verified and carried out may be told, or not any more.
      .filter(
        ({ approval, atMs }) =>
          isOpen(approval) || atMs <= this.#readAtMs || reminded.some((one) => one.approval === approval),
      )
      .map(({ approval, reminded, to }) => ({ approval, reminded, to }));
    deepStrictEqual(sorted(reminded), sorted(expected), 'who was reminded');
    // Why something was not done matters to an agent that goes on; of a run that is over, any true reason will do.
    const word = (one: string) => (ended === null || LASTING.has(one) ? one : 'not run');
    const results = world.results.slice(seen.results).map((list) => list.map((one) => word(wordOf(one))));
    deepStrictEqual(
      results,
      reference.results.slice(seen.results).map((list) => list.map(word)),
      'what the model was given',
    );
    for (const { heard, handle } of this.#updates.slice(seen.updates)) {
      const answer = reference.answers.get(heard);
      const told = handle.rejected === undefined ? handle.result : { kind: 'refused', why: 'moving' };
      if (ended === null && !isAnswer(told, answer))
        deepStrictEqual(told, answer, 'what the sender was told');
    }
    this.#checkRecorded();
    this.#seen = {
      ...this.#seen,
      ran: world.ran.length,
      reminded: world.reminded.length,
      told: reference.reminded.length,
      results: world.results.length,
      updates: this.#updates.length,
    };
    if (ended !== null) return;
    const open = (await this.#simulation.query('approvals')) as readonly ApprovalRecord[];
    deepStrictEqual(sorted(open.map(viewRecord)), sorted(reference.open.map(viewAsked)), 'what is open');
    // V5. What it waits for has a time, and that time is set.
    const next = reference.phase === 'idle' ? this.#timerMs() : reference.nextMs();
    if (!Number.isFinite(next) || this.#timerMs() !== next)
      throw new Error(
        `V5: ${reference.phase} until ${next}, but the timer is ${this.#timerMs()} (now ${this.#simulation.nowMs})`,
      );
  }

  /** Every closing, vote, refusal and steering is written down, once, and before the run waits for anything else. */
  #checkRecorded(): void {
    const { recorded } = this.world;
    const { isWinding, recorded: expected } = this.#reference;
    this.#unrecorded.push(...expected.slice(this.#seen.expected));
    for (const entry of recorded.slice(this.#seen.recorded)) {
      const { approval, state, by, why } = viewRecorded(entry);
      // Asked for in the moment of the cancellation, and never heard of by the store.
      if (state === 'withdrawn' && !this.world.opened.has(entry.approval)) continue;
      const match = this.#unrecorded.findIndex(
        (one) =>
          one.approval === approval &&
          one.state === state &&
          one.by === by &&
          (state !== 'refused' || one.whys.includes(why)),
      );
      if (match < 0)
        throw new Error(
          `recorded, but not expected: ${JSON.stringify(viewRecorded(entry))}; expected ${JSON.stringify(this.#unrecorded)}`,
        );
      this.#unrecorded.splice(match, 1);
    }
    this.#seen = { ...this.#seen, recorded: recorded.length, expected: expected.length };
    const late = this.#unrecorded.filter(({ state }) => !isWinding || state !== 'refused');
    if (late.length > 0) throw new Error(`not recorded: ${JSON.stringify(late)}`);
  }
}

/** Of one activation, signals are handled before updates. */
function inOrder(heard: readonly Heard[]): readonly Heard[] {
  return [...heard.filter((one) => !isUpdate(one)), ...heard.filter(isUpdate)];
}

function says(name: Saying['name']): StoryEvent {
  const saying: Saying = {
    name,
    who: 'bo',
    signed: true,
    kind: 'approve',
    about: { what: 'nothing', pick: 0 },
    hash: 'right',
    via: 'signal',
    edit: 'large',
    answer: 'happened',
    times: 1,
  };
  return { kind: 'say', said: [saying] };
}
