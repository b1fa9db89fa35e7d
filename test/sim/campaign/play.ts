import { parkedAs } from '../../../src/core/runPhases.ts';
import type { RunState } from '../../../src/core/state.ts';
import { randomOf } from '../../hostile/random.ts';
import { type Bundle, continueAsNew, Simulation } from '../driver.ts';
import { packing } from '../packed.ts';
import { START_MS } from '../world.ts';
import { activitiesOf } from './activities.ts';
import { Facts } from './facts.ts';
import { judge, judgeMove, words } from './judge.ts';
import { arrive, isUnderWay, say } from './people.ts';
import { type Event, type Program, REQUESTER, type Saying } from './program.ts';
import { carriedKind, hashState, phaseOf, visibleState } from './states.ts';
import { tellEvent, telling } from './story.ts';

/** What came of a program. The same program gives the same, on every machine. */
export interface Played {
  readonly activations: number;
  readonly replayed: number;
  readonly crashes: number;
  readonly moves: number;
  readonly states: ReadonlySet<string>;
  readonly reached: ReadonlySet<string>;
  readonly effects: number;
  readonly approvals: number;
  readonly decisions: number;
  readonly messages: number;
  /** What must not be, each beginning with the invariant that is broken. */
  readonly violations: readonly string[];
}

export interface PlayOptions {
  readonly bundle: Bundle;
  /** Is told what happens, line by line. */
  readonly tell?: (line: string) => void;
  /** Breaks the world around the run, to see whether that is noticed. */
  readonly alter?: (facts: Facts) => void;
}

/** Bounds one program: what needs more steps than this does not come to its end. */
const MOST_STEPS = 3_000;
const LAST_ROUNDS = 120;

export async function play(program: Program, options: PlayOptions): Promise<Played> {
  const player = new Player(program, options);
  try {
    await player.playAll();
  } catch (error) {
    player.facts.faults.push(words(error));
  } finally {
    await player.dispose();
  }
  return player.played();
}

class Player {
  readonly facts: Facts;
  readonly #program: Program;
  readonly #tell: (line: string) => void;
  readonly #states = new Set<string>();
  #simulation: Simulation;
  #activations = 0;
  #replayed = 0;
  #crashes = 0;
  #moves = 0;
  #completed: unknown = null;

  constructor(program: Program, { bundle, tell, alter }: PlayOptions) {
    this.#program = program;
    this.facts = new Facts(program);
    alter?.(this.facts);
    this.#tell = (line) => tell?.(`${clock(this.#simulation.nowMs)} ${line}`);
    const random = randomOf(program.seed + 1);
    const activities = activitiesOf(this.facts);
    const { once, greets } = program.agent;
    if (greets) this.facts.messages.push({ id: 'start', text: 'message 1.', atMs: START_MS, handle: null });
    this.#simulation = new Simulation({
      bundle,
      workflowType: 'agentRun',
      workflowId: `program-${program.number}`,
      args: [
        {
          v: 1,
          agent: 'test',
          ...(greets && { message: 'message 1.' }),
          requester: { id: REQUESTER },
          ...(once && { once }),
        },
      ],
      startTimeMs: START_MS,
      seed: program.seed,
      crashEveryActivation: program.everyActivation,
      maxStepsPerCall: MOST_STEPS,
      activities: packing(tell === undefined ? activities : telling(activities, this.#tell)),
      crashAfter: (activations) => {
        this.#states.add(visibleState(this.facts, this.#simulation));
        for (const said of this.facts.underway.splice(0)) arrive(this.facts, said, this.#simulation.nowMs);
        if (program.everyActivation) this.#replayed += 1;
        if (!random.chance(program.crashShare)) return false;
        this.#noteCrash(activations);
        return true;
      },
    });
  }

  async playAll(): Promise<void> {
    if (this.#program.lastWord)
      this.facts.onEnding = () => say(this.facts, this.#simulation, LAST_WORD, true);
    await this.#simulation.deliver();
    await this.#follow();
    for (const event of this.#program.events) {
      if (this.#isOver) break;
      this.#tell(tellEvent(event));
      await this.#happen(event);
      await this.#follow();
      await this.#requireAlive();
    }
    await this.#comeToAnEnd();
    judge(this.facts, this.#completed);
  }

  played(): Played {
    const { facts } = this;
    return {
      activations: this.#activations + this.#simulation.activations,
      replayed: this.#replayed,
      crashes: this.#crashes,
      moves: this.#moves,
      states: new Set([...this.#states].map(hashState)),
      reached: facts.reached,
      effects: facts.applications.length,
      approvals: facts.asked.size,
      decisions: facts.heard.length,
      messages: facts.messages.length,
      violations: facts.faults,
    };
  }

  dispose(): Promise<void> {
    return this.#simulation.dispose();
  }

  get #isOver(): boolean {
    return this.#simulation.result.kind !== 'running';
  }

  async #happen(event: Event): Promise<void> {
    const simulation = this.#simulation;
    const { facts } = this;
    switch (event.kind) {
      case 'say':
        this.#say(event.said);
        return simulation.deliver();
      case 'during':
        return say(facts, simulation, event.said, true);
      case 'wait':
        return simulation.advanceBy(event.ms);
      case 'settle':
        return simulation.runUntilIdle();
      case 'timer': {
        const next = simulation.pendingTimers[0]?.firesAtMs ?? simulation.nowMs;
        return simulation.advanceTo(Math.max(simulation.nowMs, next + event.offsetMs));
      }
      case 'down':
        return this.#beDown(event);
      case 'strike':
        return this.#strike(event);
      case 'crash':
        this.#noteCrash(simulation.activations);
        return simulation.crash();
      case 'crash_at_local':
        return this.#crashAtLocal();
      case 'crash_in_task':
        facts.reach('a worker lost in the middle of a task');
        this.#noteCrash(simulation.activations);
        return simulation.crashDuringNextTask();
      case 'suggest':
        simulation.suggestContinueAsNew = true;
        return;
      case 'switch': {
        const { name } = this.#program.agent.tools[event.tool] ?? { name: '' };
        if (event.isOn) facts.switches.add(name);
        else if (facts.switches.delete(name)) return this.#lifted();
        return;
      }
      case 'breaker':
        facts.isBroken = event.isOpen;
        if (event.isOpen) return;
        simulation.signal('lookAgain');
        return simulation.deliver();
      case 'terms':
        facts.terms += 1;
        return;
      case 'store':
        for (let n = 0; n < event.attempts; n += 1) facts.storeTroubles.push(event.how);
        return;
      default:
        return event satisfies never;
    }
  }

  #say(said: readonly Saying[]): void {
    const before = this.facts.heard.length;
    for (const saying of said) say(this.facts, this.#simulation, saying);
    const fresh = this.facts.heard.slice(before).filter(({ approval }) => this.facts.asked.has(approval));
    if (new Set(fresh.map(({ approval }) => approval)).size > 1)
      this.facts.reach('two decisions in one activation');
    for (const { who, kind, approval } of fresh) this.#tell(`  ${who} says ${kind} to ${approval.slice(22)}`);
  }

  /** Everything that comes meanwhile, messages and timers, is in the one activation after it. */
  async #beDown({ to, earlyMs, said }: Extract<Event, { kind: 'down' }>): Promise<void> {
    const simulation = this.#simulation;
    const { facts } = this;
    const deadlines = facts.openRequests
      .map(({ deadlineMs }) => deadlineMs)
      .filter((ms) => ms >= simulation.nowMs);
    const timerMs = simulation.pendingTimers[0]?.firesAtMs ?? simulation.nowMs;
    const aims = {
      timer: timerMs,
      deadline: Math.min(...deadlines, ...(deadlines.length === 0 ? [timerMs] : [])),
      hour: simulation.nowMs + 3_600_000,
    };
    const untilMs = aims[to];
    await simulation.accumulateUntil(Math.max(simulation.nowMs, untilMs - earlyMs));
    const before = facts.heard.length;
    this.#say(said);
    await simulation.accumulateUntil(untilMs);
    const missed = facts.openRequests.filter(
      ({ deadlineMs }) => deadlineMs <= untilMs && deadlines.includes(deadlineMs),
    );
    if (missed.length > 0) facts.reach('no worker until after a deadline');
    for (const { approval, atMs } of facts.heard.slice(before)) {
      const record = missed.find(({ id }) => id === approval);
      if (record !== undefined)
        facts.reach(
          atMs < record.deadlineMs
            ? 'a decision in the activation of its time-out, sent before it'
            : 'a decision in the activation of its time-out, sent too late',
        );
    }
    return simulation.deliver();
  }

  async #crashAtLocal(): Promise<void> {
    const simulation = this.#simulation;
    for (let tries = 0; tries < STRIKE_TRIES && !this.#isOver; tries += 1) {
      if (simulation.pendingActivities.some(({ isLocal }) => isLocal)) {
        this.#noteCrash(simulation.activations);
        return simulation.crash();
      }
      await simulation.advanceBy(2);
    }
  }

  async #strike({ at, name }: Extract<Event, { kind: 'strike' }>): Promise<void> {
    const simulation = this.#simulation;
    for (let tries = 0; tries < STRIKE_TRIES && !this.#isOver; tries += 1) {
      if (isUnderWay(this.facts, simulation, at)) {
        if (name === 'lift') {
          this.facts.switches.clear();
          return this.#lifted();
        }
        this.#say([{ ...OPERATOR_SAYS, name }]);
        return simulation.deliver();
      }
      await simulation.advanceBy(tries < STRIKE_TRIES / 2 ? 500 : 30_000);
    }
  }

  /** Whoever lifts a kill switch wakes what it held. */
  async #lifted(): Promise<void> {
    if (phaseOf(this.#simulation) !== 'held') return;
    this.facts.reach('a kill switch lifted while a call was held');
    this.#say([{ ...OPERATOR_SAYS, name: 'retry' }]);
    return this.#simulation.deliver();
  }

  #noteCrash(activations: number): void {
    this.#crashes += 1;
    this.#replayed += activations;
  }

  /** Goes on in the next execution, with the state as it travels: as JSON. */
  async #follow(): Promise<void> {
    for (
      let result = this.#simulation.result;
      result.kind === 'continuedAsNew';
      result = this.#simulation.result
    ) {
      const state = result.args[1] as RunState;
      this.#tell('continues as new');
      this.#states.add(carriedKind(state));
      judgeMove(this.facts, state);
      this.#moves += 1;
      this.facts.execution += 1;
      this.#activations += this.#simulation.activations;
      const args = JSON.parse(JSON.stringify(result.args)) as readonly unknown[];
      const next = await continueAsNew(this.#simulation, { args });
      await this.#simulation.dispose();
      this.#simulation = next;
      await next.deliver();
    }
    const { result } = this.#simulation;
    if (result.kind === 'completed') this.#completed = result.value;
    if (this.#simulation.localsLost > 0) this.facts.reach('a task lost in the middle of what runs inside it');
    if (this.#simulation.closesRefused > 0) this.facts.reach('a signal during the closing task');
  }

  /** V5. Whoever waits, waits for something that has a name and a time. */
  async #requireAlive(): Promise<void> {
    const simulation = this.#simulation;
    if (this.#isOver) return;
    if (phaseOf(simulation) === 'bug') {
      const { waitsFor } = (await simulation.query('status')) as { readonly waitsFor: string };
      throw new Error(`V5: stopped by an error of its own: ${waitsFor}`);
    }
    const { pendingTimers, pendingActivities } = simulation;
    if (pendingActivities.length > 0) return;
    if (pendingTimers.length === 0)
      throw new Error(`V5: the run is ${phaseOf(simulation)} and waits for nothing that has a time`);
    if (pendingTimers.some(({ summary }) => summary === undefined))
      throw new Error(`V5: the run is ${phaseOf(simulation)} and waits for something without a name`);
    this.#requireTold(phaseOf(simulation));
  }

  /** V5. Lists say of whoever waits how it stands: what needs people is found, and what does not is not looked for. */
  #requireTold(phase: string): void {
    const { row } = this.facts;
    // What is away while it is told of an outage is not told.
    if (row === null || row === phase || phase === 'outage') return;
    if (parkedAs(row) === null && parkedAs(phase) === null) return;
    throw new Error(`V5: the run is ${phase} and waits, and lists say that it is ${row}`);
  }

  /** Nothing fails any more, and nobody decides: the clock alone must bring the run to its end. */
  async #comeToAnEnd(): Promise<void> {
    const { facts } = this;
    facts.calm = true;
    facts.switches.clear();
    facts.isBroken = false;
    this.#tell('from here on nothing fails, and nobody decides any more');
    const operator = { by: 'dan', channel: 'test', signature: 'x' };
    for (let round = 0; round < LAST_ROUNDS && !this.#isOver; round += 1) {
      const simulation = this.#simulation;
      if (round === 0) simulation.signal('resume', operator);
      if (round === 1 && this.#program.closes) {
        simulation.signal('close', operator);
        facts.steered.push({ name: 'close', atMs: simulation.nowMs });
      }
      if (phaseOf(simulation) === 'held') simulation.signal('retry', operator);
      await simulation.runUntilIdle();
      await this.#follow();
      await this.#requireAlive();
      const next = this.#simulation.pendingTimers[0]?.firesAtMs;
      if (!this.#isOver && next !== undefined) await this.#simulation.advanceTo(next);
      await this.#follow();
    }
    if (!this.#isOver)
      throw new Error(`V5: after ${LAST_ROUNDS} timers the run is still ${phaseOf(this.#simulation)}`);
  }
}

const STRIKE_TRIES = 24;

const OPERATOR_SAYS: Saying = {
  name: 'pause',
  via: 'signal',
  who: 'dan',
  signed: true,
  kind: 'approve',
  about: 'nothing',
  pick: 0,
  hash: 'none',
  form: 'plain',
  amount: 0,
};

const LAST_WORD: Saying = { ...OPERATOR_SAYS, name: 'message', who: REQUESTER };

function clock(nowMs: number): string {
  const ms = nowMs - START_MS;
  const days = Math.floor(ms / 86_400_000);
  return `${days > 0 ? `day ${days} ` : ''}${new Date(ms).toISOString().slice(11, 23)}`;
}
