import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isInTime } from '../quickTime.ts';
import { campaign } from './campaign/campaign.ts';
import { programOf } from './campaign/generate.ts';
import { campaignBundle, ownPlayer, processPlayer } from './campaign/players.ts';
import { isGreen, reportOf, storiesOf, storyOf, textOf } from './campaign/report.ts';

// npm run sim [-- --quick | --minutes N | --activations N] [--seed N|random] [--program N] [--workers N] [--json]
// Random programs on the real workflow, in simulated time, judged by facts.

const USUAL_SEED = 20_261_121;
const USUAL_ACTIVATIONS = 1_000_000;
const QUICK_ACTIVATIONS = 100_000;
const PROGRESS_MS = 5_000;

const options = {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  minutes: { type: 'string' },
  activations: { type: 'string' },
  program: { type: 'string' },
  seed: { type: 'string', default: String(USUAL_SEED) },
  workers: { type: 'string', default: String(availableParallelism()) },
} as const;

class BadArguments extends Error {}

const progress = (line: string) => process.stderr.write(`sim: ${line}\n`);

async function main(): Promise<number> {
  const values = readArguments();
  const seed = values.seed === 'random' ? randomInt(2 ** 31) : wholeNumber('seed', values.seed, 0);
  if (values.program !== undefined)
    return playOne(seed, wholeNumber('program', values.program, 0), values.json);
  const workers = wholeNumber('workers', values.workers, 1);
  const minutes = values.minutes === undefined ? null : wholeNumber('minutes', values.minutes, 1);
  const wanted = values.activations === undefined ? null : wholeNumber('activations', values.activations, 1);
  const usual = values.quick ? QUICK_ACTIVATIONS : minutes === null ? USUAL_ACTIVATIONS : null;
  const activations = wanted ?? usual;
  const startedAtMs = Date.now();
  const untilMs = minutes === null ? Number.POSITIVE_INFINITY : startedAtMs + minutes * 60_000;
  progress(
    `seed ${seed}, ${activations === null ? `${minutes} minutes` : `${activations} activations`}, ${workers} workers`,
  );
  const bundle = await campaignBundle();
  const players = Array.from({ length: workers }, () =>
    workers === 1 ? ownPlayer(bundle, seed) : processPlayer(seed),
  );
  let shownAtMs = startedAtMs;
  try {
    const played = await campaign(
      {
        seed,
        activations,
        isOver: () => Date.now() >= untilMs,
        onPortion: ({ tally, states }) => {
          if (Date.now() - shownAtMs < PROGRESS_MS) return;
          shownAtMs = Date.now();
          progress(
            `${tally.programs} programs, ${tally.activations} activations, ${states.size} kinds of states, ${tally.failed.length} failures`,
          );
        },
      },
      players.map(({ play }) => play),
    );
    for (const player of players) player.stop();
    // Whoever asks for little on purpose may get little.
    const report = reportOf(played, Date.now() - startedAtMs, wanted !== null && wanted < QUICK_ACTIVATIONS);
    const stories = await storiesOf(report, bundle, progress);
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ ...report, stories })}\n`
        : `${stories.map((story) => `${story}\n\n`).join('')}${textOf(report)}`,
    );
    return isInTime(values, progress) && isGreen(report) ? 0 : 1;
  } finally {
    for (const player of players) player.stop();
  }
}

async function playOne(seed: number, number: number, asJson: boolean): Promise<number> {
  const program = programOf(seed, number);
  const story = await storyOf(program, await campaignBundle());
  const broken = story.some((line) => line.startsWith('BROKEN'));
  process.stdout.write(
    asJson
      ? `${JSON.stringify({ seed, program, story, broken })}\n`
      : `${story.join('\n')}\n${broken ? '' : 'held\n'}`,
  );
  return broken ? 1 : 0;
}

function readArguments() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new BadArguments(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new BadArguments(
    `--${name} is "${text}": a whole number, ${least} or more${name === 'seed' ? ', or "random"' : ''}`,
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof BadArguments)) throw error;
  progress(error.message);
  process.exitCode = 2;
}
