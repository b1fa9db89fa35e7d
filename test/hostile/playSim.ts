import type { ApprovalRecord } from '../../src/core/approvals.ts';
import type { Agent } from '../../src/tools/agent.ts';
import type { RunStatus } from '../../src/workflows/messages.ts';
import { type Bundle, continueAsNew, Simulation } from '../sim/driver.ts';
import { packing } from '../sim/packed.ts';
import { HostileModel, type HostileOptions } from './hostileModel.ts';
import { Approver, canonicalArgs, type Wanted } from './oracle.ts';
import type { Random } from './random.ts';
import { requesterOf, type SimOutside, simOutside } from './simActivities.ts';
import type { World } from './world.ts';

export const START_MS = Date.UTC(2026, 0, 5, 9, 0, 0);

export interface HostileRun {
  readonly bundle: Bundle;
  readonly agent: Agent;
  readonly world: World;
  readonly wanted: Wanted;
  readonly hostile: Omit<HostileOptions, 'random' | 'recording' | 'hasReadInjection'>;
  readonly random: Random;
  readonly turns: number;
}

export interface HostileTally {
  turns: number;
  answers: number;
  calls: number;
  landings: number;
  asked: number;
  approved: number;
  goalCalls: number;
  readonly twists: Map<string, number>;
  readonly ends: Map<string, number>;
}

/** Plays one run of the hostile model in simulated time; what it did stands in its world's books. */
export async function playSim(run: HostileRun, tally: HostileTally): Promise<void> {
  const { world, random } = run;
  const model = new HostileModel({
    ...run.hostile,
    random,
    recording: world.recording,
    hasReadInjection: () => world.hasReadInjection,
  });
  const outside = simOutside({ agent: run.agent, world, model, random });
  const people = new People(new Approver(run.wanted), world, outside, random);
  const tight = random.chance(0.1);
  world.facts.push({ kind: 'said', text: world.recording.task });
  let simulation = new Simulation({
    bundle: run.bundle,
    workflowType: 'agentRun',
    args: [
      {
        v: 1,
        agent: run.agent.release.agent,
        message: world.recording.task,
        requester: requesterOf(world),
        ...(tight && { limits: { iterationsPerTurn: 3, toolCallsPerTurn: 6 } }),
      },
    ],
    startTimeMs: START_MS,
    seed: random.below(2 ** 31),
    activities: packing(outside.handlers),
    maxStepsPerCall: 5_000,
  });
  const settle = async () => {
    await simulation.runUntilIdle();
    while (simulation.result.kind === 'continuedAsNew') {
      const next = await continueAsNew(simulation);
      await simulation.dispose();
      simulation = next;
      await simulation.runUntilIdle();
    }
  };
  try {
    for (let turn = 0; turn < run.turns && simulation.result.kind === 'running'; turn++) {
      if (turn > 0) simulation.signal('message', { text: 'Go on, please.', by: 'customer' });
      outside.answersThisTurn = 0;
      const { calls } = outside.counts;
      await settle();
      await people.answer(() => simulation, settle);
      // A turn in which the model tried nothing is none.
      if (outside.counts.calls > calls) tally.turns++;
    }
  } finally {
    const end =
      simulation.result.kind === 'completed'
        ? String((simulation.result.value as { reason: string }).reason)
        : simulation.result.kind;
    tally.ends.set(end, (tally.ends.get(end) ?? 0) + 1);
    tally.answers += outside.counts.answers;
    tally.calls += outside.counts.calls;
    tally.landings += outside.counts.landings;
    tally.asked += people.asked;
    tally.approved += people.approved;
    tally.goalCalls += model.goalCalls;
    for (const [name, times] of model.twists) tally.twists.set(name, (tally.twists.get(name) ?? 0) + times);
    await simulation.dispose();
  }
}

/** Rounds of requests and answers that one turn may take. */
const MAX_ROUNDS = 400;

/** Those who are asked, and noise: the requester's own yes where it does not count, and a yes to other arguments. */
class People {
  asked = 0;
  approved = 0;
  readonly #approver: Approver;
  readonly #world: World;
  readonly #outside: SimOutside;
  readonly #random: Random;

  constructor(approver: Approver, world: World, outside: SimOutside, random: Random) {
    this.#approver = approver;
    this.#world = world;
    this.#outside = outside;
    this.#random = random;
  }

  /** Answers what is open until the turn is over or the run has ended. */
  async answer(simulationOf: () => Simulation, settle: () => Promise<void>): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const simulation = simulationOf();
      if (simulation.result.kind !== 'running') return;
      const { state } = (await simulation.query('status')) as RunStatus;
      if (state === 'idle') return;
      const open = (await simulation.query('approvals')) as readonly ApprovalRecord[];
      if (open.length === 0) throw new Error(`the run is ${state}, and nobody is asked anything`);
      for (const record of open) this.#decide(simulation, record);
      await settle();
    }
    throw new Error(`a turn was not over after ${MAX_ROUNDS} rounds of requests`);
  }

  #decide(simulation: Simulation, record: ApprovalRecord): void {
    this.asked++;
    if (record.kind !== 'call') {
      const kind = record.kind === 'reconcile' ? 'answer' : this.#random.chance(0.7) ? 'approve' : 'reject';
      const answer = record.kind === 'reconcile' ? { answer: { outcome: 'did_not' } } : {};
      simulation.signal('decide', {
        approval: record.id,
        kind,
        by: 'operator',
        channel: 'hostile',
        ...answer,
      });
      return;
    }
    const body = this.#outside.blobs.get(record.argsHash as never) ?? '';
    const agrees = this.#approver.agrees({
      id: record.id,
      tool: record.tool ?? '',
      args: canonicalArgs(body),
    });
    if (!agrees) this.#noise(simulation, record);
    const voters =
      record.requesterMay === 'only' ? ['customer'] : ['first', 'second'].slice(0, record.quorum);
    for (const by of agrees ? voters : voters.slice(0, 1)) {
      if (agrees)
        this.#world.facts.push({
          kind: 'yes',
          key: record.key,
          tool: record.tool ?? '',
          argsHash: record.argsHash ?? '',
          by,
        });
      simulation.signal('decide', {
        approval: record.id,
        kind: agrees ? 'approve' : 'reject',
        by,
        channel: 'hostile',
        argsHash: record.argsHash,
      });
    }
    if (agrees) this.approved++;
  }

  /** Words that must not count, sent before the ones that do. */
  #noise(simulation: Simulation, record: ApprovalRecord): void {
    const yes = { approval: record.id, kind: 'approve', channel: 'hostile' };
    if (this.#random.chance(0.1) && record.requesterMay === 'not')
      simulation.signal('decide', { ...yes, by: 'customer', argsHash: record.argsHash });
    if (this.#random.chance(0.1))
      simulation.signal('decide', { ...yes, by: 'first', argsHash: 'f'.repeat(64) });
    if (this.#random.chance(0.05))
      simulation.signal('decide', { ...yes, by: 'first', approval: `${record.key}/9` });
  }
}
