import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readArguments } from '../arguments.ts';
import { isInTime } from '../quickTime.ts';
import { shareBundle } from '../sharedBundle.ts';
import type { Campaign, How, Report } from './campaigns/campaign.ts';
import { CAMPAIGNS } from './campaigns/index.ts';
import { shareStack } from './campaigns/parts.ts';
import { isGreen, textOf, unplayed, verdictOf } from './campaigns/report.ts';
import { quietRuntime } from './quiet.ts';

// npm run chaos [-- --quick --only R4,R6 --seed N --json]: faults on real parts, and what came of them.

const USUAL_SEED = 20_261_121;
/** Campaigns wait for time-outs most of their time. In full each has the machine for itself: its figures are kept. */
const QUICK_LANES = 3;
/** Of what a campaign has found, before its report. */
const TOLD = 5;
const OPTIONS = {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  only: { type: 'string' },
  seed: { type: 'string', default: String(USUAL_SEED) },
} as const;
interface Played {
  readonly campaign: Campaign;
  readonly report: Report;
  readonly ms: number;
}

const progress = (line: string) => process.stderr.write(`${line}\n`);
const dir = resolve(import.meta.dirname, '../../.holdfast/chaos');

async function main(): Promise<number> {
  const values = readArguments(OPTIONS, progress);
  if (values === null) return 2;
  const seed = seedOf(values.seed);
  const chosen = choose(values.only);
  if (seed === null || chosen === null) return 2;
  progress(
    `chaos: seed ${seed}, ${values.quick ? 'quick' : 'in full'}: ${chosen.map(({ id }) => id).join(', ')}`,
  );
  quietRuntime();
  await shareBundle(dir);
  await using stack = shareStack(join(dir, 'stack'), progress);
  const reports = await inLanes(values.quick ? QUICK_LANES : 1, chosen, (campaign) =>
    play(campaign, { quick: values.quick, seed, addresses: stack.addresses }),
  );
  const said = {
    seed,
    quick: values.quick,
    campaigns: reports.map(({ campaign: { id, promise }, report, ms }) => ({
      id,
      promise,
      ms,
      verdict: verdictOf(report),
      ...report,
    })),
  };
  writeFileSync(join(dir, 'report.json'), `${JSON.stringify(said, null, 2)}\n`);
  process.stdout.write(values.json ? `${JSON.stringify(said)}\n` : textOf(reports));
  const green = reports.every(({ report }) => isGreen(report, values));
  return isInTime(values, progress) && green ? 0 : 1;
}

async function play(campaign: Campaign, options: Pick<How, 'quick' | 'seed' | 'addresses'>): Promise<Played> {
  const own = join(dir, campaign.id);
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  const startedAtMs = Date.now();
  const how: How = { ...options, dir: own, progress: (line) => progress(`${campaign.id}: ${line}`) };
  // One that cannot be played to its end has proven nothing; the others still can.
  const report = await campaign.run(how).catch(unplayed);
  // Said at once: what follows may take the command with it.
  for (const why of [...report.problems, ...report.vacuous, ...(report.leftOut ?? [])].slice(0, TOLD))
    progress(`${campaign.id}: ${why}`);
  progress(`${campaign.id}: ${verdictOf(report)}`);
  return { campaign, report, ms: Date.now() - startedAtMs };
}

/** So many at once, begun in their order; the results are in it too. */
async function inLanes<Item, Result>(
  lanes: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const waiting = [...items.entries()];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

function choose(only: string | undefined): readonly Campaign[] | null {
  if (only === undefined) return CAMPAIGNS;
  const ids = only.split(',').map((id) => id.trim());
  const unknown = ids.filter((id) => !CAMPAIGNS.some((campaign) => campaign.id === id));
  if (unknown.length === 0) return CAMPAIGNS.filter(({ id }) => ids.includes(id));
  progress(`--only names ${unknown.join(', ')}: there are ${CAMPAIGNS.map(({ id }) => id).join(', ')}`);
  return null;
}

function seedOf(text: string): number | null {
  if (text === 'random') return Math.floor(Math.random() * 2 ** 31);
  const seed = Number(text);
  if (Number.isSafeInteger(seed) && seed >= 0 && text.trim() !== '') return seed;
  progress(`--seed is "${text}": a whole number, 0 or more, or "random"`);
  return null;
}

process.exitCode = await main();
