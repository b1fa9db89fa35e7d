import { randomInt } from 'node:crypto';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startStack } from '../../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import { readArguments } from '../arguments.ts';
import { playCampaign } from './campaign.ts';
import { figuresOf } from './figures.ts';
import { playStack } from './playStack.ts';
import { randomOf } from './random.ts';
import { readRecordings } from './recordings.ts';
import { type Part, reportOf, textOf } from './report.ts';
import { hostileScript, recordedScript } from './scripts.ts';
import { type Stage, setStage } from './stage.ts';

// npm run hostile [-- --turns N --seed N --json]: a model that obeys whoever writes to it, against the policy.

const OPTIONS = {
  turns: { type: 'string', default: '20000' },
  seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  json: { type: 'boolean', default: false },
} as const;
const progress = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const values = readArguments(OPTIONS, progress);
  if (values === null) return 2;
  const turns = wholeNumber('turns', values.turns);
  const seed = wholeNumber('seed', values.seed);
  if (turns === null || seed === null) return 2;
  const recordings = readRecordings();
  if (recordings === null) {
    progress(
      'the recorded attacks are not here (../shared/data/injection beside the checkout): nothing to play',
    );
    return 2;
  }
  progress(`hostile: seed ${seed}, ${recordings.all.length} recorded runs, ${turns} random turns`);
  const stage = setStage(recordings);
  const startedAtMs = Date.now();
  const { recorded, hostile } = await onStack(stage, seed);
  const random = await playCampaign(stage, {
    turns,
    seed,
    onProgress: (done) => step('random turns', done, turns),
  });
  const report = reportOf({ seed, recorded, hostile, random, ms: Date.now() - startedAtMs });
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : textOf(report));
  return report.vacuous.length === 0 && report.problems.length === 0 && report.violations.length === 0
    ? 0
    : 1;
}

/** Both plays of all recorded runs, on one stack. */
async function onStack(
  stage: Stage,
  seed: number,
): Promise<{ readonly recorded: Part; readonly hostile: Part }> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const stack = await startStack({
    dir: new URL('../../.holdfast/hostile', import.meta.url).pathname,
    ui: false,
    fresh: true,
    searchAttributes: SEARCH_ATTRIBUTES,
    onProgress: (line) => progress(`stack: ${line}`),
  });
  const part = async (
    name: string,
    scriptOf: (n: number) => ReturnType<typeof recordedScript>,
  ): Promise<Part> => {
    const runs = stage.recordings.all.map((recording, n) => ({ recording, script: scriptOf(n) }));
    const onProgress = (done: number, all: number) => step(name, done, all);
    const { played, problems } = await playStack(stage, { addresses: stack, runs, onProgress });
    return { figures: figuresOf(stage, played), played, problems };
  };
  const { all } = stage.recordings;
  const at = (n: number) => {
    const recording = all[n];
    if (recording === undefined) throw new Error(`there is no recording ${n}`);
    return recording;
  };
  try {
    const recorded = await part('recorded runs', (n) => recordedScript(at(n), n));
    const hostile = await part('hostile runs', (n) => hostileScript(stage, at(n), n, randomOf(seed + n)));
    return { recorded, hostile };
  } finally {
    await stack.stop();
  }
}

let shown = '';
function step(name: string, done: number, all: number): void {
  const line = `${name}: ${Math.floor((10 * done) / all) * 10} %`;
  if (line === shown) return;
  shown = line;
  progress(line);
}

function wholeNumber(name: string, text: string): number | null {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    progress(`--${name} is "${text}": a whole number, 0 or more`);
    return null;
  }
  return value;
}

process.exitCode = await main();
