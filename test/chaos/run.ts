import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Campaign, How, Report } from './campaigns/campaign.ts';
import { CAMPAIGNS } from './campaigns/index.ts';
import { shareStack } from './campaigns/parts.ts';
import { isGreen, textOf, unplayed } from './campaigns/report.ts';
import { quietRuntime } from './quiet.ts';

// npm run chaos [-- --quick --only R4,R6 --seed N --json]: faults on real parts, and what came of them.

const USUAL_SEED = 20_261_121;
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string', default: String(USUAL_SEED) },
  },
});
const progress = (line: string) => process.stderr.write(`${line}\n`);
const dir = resolve(import.meta.dirname, '../../.holdfast/chaos');

async function main(): Promise<number> {
  const seed = seedOf(values.seed);
  const chosen = choose(values.only);
  if (seed === null || chosen === null) return 2;
  progress(
    `chaos: seed ${seed}, ${values.quick ? 'quick' : 'in full'}: ${chosen.map(({ id }) => id).join(', ')}`,
  );
  quietRuntime();
  await using stack = shareStack(join(dir, 'stack'), progress);
  const reports: { readonly campaign: Campaign; readonly report: Report; readonly ms: number }[] = [];
  for (const campaign of chosen) {
    const own = join(dir, campaign.id);
    rmSync(own, { recursive: true, force: true });
    mkdirSync(own, { recursive: true });
    const startedAtMs = Date.now();
    const how: How = {
      quick: values.quick,
      seed,
      dir: own,
      addresses: stack.addresses,
      progress: (line) => progress(`${campaign.id}: ${line}`),
    };
    // One that cannot be played to its end has proven nothing; the others still can.
    const report = await campaign.run(how).catch(unplayed);
    reports.push({ campaign, report, ms: Date.now() - startedAtMs });
    progress(`${campaign.id}: ${isGreen(report) ? 'held' : 'BROKEN'}`);
  }
  const said = {
    seed,
    quick: values.quick,
    campaigns: reports.map(({ campaign: { id, promise }, report, ms }) => ({ id, promise, ms, ...report })),
  };
  writeFileSync(join(dir, 'report.json'), `${JSON.stringify(said, null, 2)}\n`);
  process.stdout.write(values.json ? `${JSON.stringify(said)}\n` : textOf(reports));
  return reports.every(({ report }) => isGreen(report)) ? 0 : 1;
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
