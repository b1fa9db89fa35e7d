import { randomOf } from '../../hostile/random.ts';
import { GOLDEN_RUNS } from '../golden/goldenRuns.ts';
import { type Event, holdAt } from '../golden/holds.ts';
import {
  BRISK,
  CALM,
  type Case,
  type Killed,
  type Played,
  playKilled,
  playUndisturbed,
  type Undisturbed,
} from '../golden/play.ts';
import { openStage } from '../golden/stage.ts';
import type { Campaign, How, Report } from './campaign.ts';

/** Runs that share one worker process and its death, and such groups side by side. */
const GROUP = 24;
const LANES = 4;
const QUICK_CASES = 8;

/** R2: the history of each golden run says where its worker can die. */
export const r2: Campaign = {
  id: 'R2',
  promise:
    'a worker that is killed after any event of a history changes nothing that people or the outside see',
  run: async (how) => {
    await using stage = await openStage(how);
    const undisturbed = await playUndisturbed(stage, GOLDEN_RUNS);
    for (const [kind, { history }] of undisturbed) how.progress(`${kind}: ${history.length} events`);
    const groups = groupsOf(casesOf(how, undisturbed));
    const killing = { undisturbed, pace: how.quick ? BRISK : CALM, alone: oneAtATime() };
    const killed: Killed[] = [];
    const lane = async () => {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        killed.push(...(await playKilled(stage, group, killing)));
        how.progress(`${killed.length} runs killed and ended`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return reportOf(how, undisturbed, killed);
  },
};

function oneAtATime(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let before: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = before.then(work);
    // Whoever asked for it hears of its failure; the next one only waits for its end.
    before = mine.catch(() => undefined);
    return mine;
  };
}

/** Every event of every run; in quick some of them, and of activities only tools: any other that is lost shows after 30 s. */
function casesOf({ quick, seed }: How, undisturbed: Undisturbed): readonly Case[] {
  const random = randomOf(seed);
  const all = [...undisturbed].flatMap(([kind, { history }]) =>
    history
      .filter(({ id }) => !quick || !isLostForLong(history, id))
      .map(({ id }) => ({ kind, event: id, order: random.next() })),
  );
  // Runs of one kind at neighbouring events would all wait for the same thing.
  const shuffled = all.sort((a, b) => a.order - b.order).map(({ kind, event }) => ({ kind, event }));
  return quick ? shuffled.slice(0, QUICK_CASES) : shuffled;
}

function isLostForLong(history: readonly Event[], k: number): boolean {
  const hold = holdAt(history, k);
  const isElse = ({ activity, activityType }: Event) =>
    hold.at === 'activity' &&
    activity === hold.activity &&
    activityType !== null &&
    activityType !== 'runTool';
  return history.some(isElse);
}

function groupsOf(cases: readonly Case[]): Case[][] {
  const count = Math.ceil(cases.length / GROUP);
  return Array.from({ length: count }, (_, group) => cases.filter((_one, index) => index % count === group));
}

function reportOf({ quick }: How, undisturbed: Undisturbed, killed: readonly Killed[]): Report {
  const runs = [...undisturbed.values(), ...killed];
  const atEvent = killed.filter(({ wasAtEvent }) => wasAtEvent).length;
  const duplicated = runs.flatMap(({ facts }) => Object.values(facts.acts)).filter((one) => one > 1).length;
  const actsOf = (played: Played | undefined) =>
    Object.values(played?.facts.acts ?? {}).reduce((sum, one) => sum + one, 0);
  const lost = killed.filter((one) => actsOf(one) < actsOf(undisturbed.get(one.one.kind))).length;
  const effects = runs.reduce((sum, one) => sum + actsOf(one), 0);
  return {
    faults: killed.length,
    runs: runs.length,
    effects,
    lost,
    duplicated,
    recoveryMs: killed.flatMap(({ backMs }) => (backMs === null ? [] : [backMs])),
    problems: killed.flatMap(({ problems }) => problems),
    vacuous: [
      ...(atEvent < killed.length * 0.8 ? [`${atEvent} of ${killed.length} runs were at their event`] : []),
      ...(effects < (quick ? 2 : 20) ? [`${effects} effects`] : []),
      ...(killed.length < QUICK_CASES ? [`${killed.length} runs were killed`] : []),
    ],
    figures: {
      eventsOfGoldenRuns: [...undisturbed]
        .map(([kind, { history }]) => `${kind} ${history.length}`)
        .join(', '),
      killedAtTheirEvent: `${atEvent} of ${killed.length}`,
    },
  };
}
