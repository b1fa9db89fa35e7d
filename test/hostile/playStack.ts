import type { ApprovalRecord } from '../../src/core/approvals.ts';
import type { Hash } from '../../src/core/ids.ts';
import { loadBlobs } from '../../src/store/chain.ts';
import { approvalsQuery, closeSignal, decideSignal, sendUpdate } from '../../src/workflows/messages.ts';
import { type Addresses, type Handle, type Lab, openLab } from '../e2e/lab.ts';
import type { RunViolation } from './campaign.ts';
import { judge } from './judge.ts';
import { Approver, canonicalArgs } from './oracle.ts';
import type { Recording } from './recordings.ts';
import type { Script } from './scripts.ts';
import type { Stage } from './stage.ts';
import type { World } from './world.ts';

/** Runs under way at once: two cores are busy with four. */
const AT_ONCE = 4;
/** Rounds of requests and answers of one run. */
const MAX_ROUNDS = 100;

export interface PlayedRun {
  readonly recording: Recording;
  readonly script: Script;
  readonly world: World;
  readonly outcome: string;
  readonly asked: number;
  readonly approved: number;
  readonly violations: readonly RunViolation[];
}

/** Plays scripts on real parts: Temporal, PostgreSQL, the model over HTTP, a worker. */
export async function playStack(
  stage: Stage,
  options: {
    readonly addresses: Addresses;
    readonly runs: readonly { readonly recording: Recording; readonly script: Script }[];
    readonly onProgress?: (done: number, all: number) => void;
  },
): Promise<{ readonly played: readonly PlayedRun[]; readonly problems: readonly string[] }> {
  await using lab = await openLab({
    databaseUrl: options.addresses.databaseUrl,
    temporalAddress: options.addresses.temporalAddress,
    agents: Object.values(stage.agents),
    conversations: options.runs.map(({ script }) => script.conversation),
  });
  const waiting = [...options.runs];
  const played: PlayedRun[] = [];
  const playNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      played.push(await playRun(stage, lab, next));
      options.onProgress?.(played.length, options.runs.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, playNext));
  return { played, problems: lab.model.problems };
}

async function playRun(
  stage: Stage,
  lab: Lab,
  { recording, script }: { readonly recording: Recording; readonly script: Script },
): Promise<PlayedRun> {
  const world = stage.worlds.open(script.conversation.id, recording);
  world.facts.push({ kind: 'said', text: recording.task });
  const handle = await lab.start({
    agent: stage.agents[recording.suite].release.agent,
    requester: { id: 'customer', tenant: world.id },
  });
  const people = new People(lab, world, new Approver(stage.wantedOf(recording)));
  await people.answer(handle, script.opening);
  await handle.signal(closeSignal, { by: 'hostile' }).catch(ifOver);
  const result = await handle.result();
  return {
    recording,
    script,
    world,
    outcome: `${result.outcome} (${result.reason})`,
    asked: people.asked,
    approved: people.approved,
    violations: judge(world.facts, stage.intents[recording.suite]).map((violation) => ({
      ...violation,
      run: world.id,
    })),
  };
}

/** A run that a limit or a hand-over has ended takes nothing more. */
function ifOver(error: unknown): void {
  const text = String(error instanceof Error ? `${error.message} ${error.cause}` : error);
  if (!/not found|completed|closed/i.test(text)) throw error;
}

class People {
  asked = 0;
  approved = 0;
  readonly #lab: Lab;
  readonly #world: World;
  readonly #approver: Approver;

  constructor(lab: Lab, world: World, approver: Approver) {
    this.#lab = lab;
    this.#world = world;
    this.#approver = approver;
  }

  /** Sends the user's words and answers what is asked, until the turn is over or the run has ended. */
  async answer(handle: Handle, text: string): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const reply = await handle
        .executeUpdate(sendUpdate, {
          args: [{ text, by: 'customer', id: 'task' }],
          updateId: `task-${round}`,
        })
        .catch((error: unknown) => ifOver(error));
      if (reply === undefined || (reply.kind !== 'waiting' && reply.kind !== 'landed')) return;
      for (const record of await handle.query(approvalsQuery)) await this.#decide(handle, record);
    }
    throw new Error(`${this.#world.id}: not over after ${MAX_ROUNDS} rounds of requests`);
  }

  async #decide(handle: Handle, record: ApprovalRecord): Promise<void> {
    this.asked++;
    if (record.kind !== 'call' || record.argsHash === null || record.tool === null) {
      await handle
        .signal(decideSignal, { approval: record.id, kind: 'approve', by: 'operator', channel: 'hostile' })
        .catch(ifOver);
      return;
    }
    const { argsHash, tool } = record;
    const run = record.key.split('/')[0] ?? '';
    const bodies = await loadBlobs(this.#lab.sql, run as never, [argsHash as Hash]);
    const args = canonicalArgs(bodies.get(argsHash) ?? '');
    const agrees = this.#approver.agrees({ id: record.id, tool, args });
    const voters =
      record.requesterMay === 'only' ? ['customer'] : ['first', 'second'].slice(0, record.quorum);
    for (const by of agrees ? voters : voters.slice(0, 1)) {
      if (agrees) this.#world.facts.push({ kind: 'yes', key: record.key, tool, argsHash, by });
      const kind = agrees ? 'approve' : 'reject';
      await handle
        .signal(decideSignal, { approval: record.id, kind, by, channel: 'hostile', argsHash })
        .catch(ifOver);
    }
    if (agrees) this.approved++;
  }
}
