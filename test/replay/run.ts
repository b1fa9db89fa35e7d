import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { bundleWorkflows } from '../../src/replay/bundle.ts';
import { MEND } from '../../src/replay/difference.ts';
import { type Replayed, replay } from '../../src/replay/replay.ts';
import { problemOf } from '../../src/replay/shipped.ts';
import { startStack } from '../../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import { readArguments } from '../arguments.ts';
import { isInTime } from '../quickTime.ts';
import { missing } from './coverage.ts';
import { allHistories } from './places.ts';
import { keep, record } from './record.ts';

// npm run replay [-- --json]: every recorded history with today's workflow code. With --record the golden runs are played
// first, on real parts, and their histories take the place of those of this release. There is one size: --quick is the same.

const ROOT = resolve(import.meta.dirname, '../..');
const FLAG = { type: 'boolean', default: false } as const;
const OPTIONS = { record: FLAG, json: FLAG, quick: FLAG } as const;
const progress = (line: string) => process.stderr.write(`${line}\n`);

interface Report {
  readonly histories: number;
  readonly events: number;
  readonly bundleMs: number;
  readonly replayMs: number;
  readonly missing: readonly string[];
  readonly problems: readonly string[];
}

async function main(): Promise<number> {
  const options = readArguments(OPTIONS, progress);
  if (options === null) return 2;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
  if (options.record) await recordAll();
  const report = await replayAll();
  const green = report.problems.length + report.missing.length === 0 && report.histories > 0;
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : textOf(report, green));
  return isInTime(options, progress) && green ? 0 : 1;
}

async function recordAll(): Promise<void> {
  const text = await readFile(resolve(ROOT, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  const stack = await startStack({
    dir: resolve(ROOT, '.holdfast/replay'),
    ui: false,
    fresh: true,
    searchAttributes: SEARCH_ATTRIBUTES,
    onProgress: (line) => progress(`stack: ${line}`),
  });
  const startedAtMs = Date.now();
  const alive = setInterval(
    () => progress(`recording: ${Math.round((Date.now() - startedAtMs) / 1_000)} s`),
    10_000,
  );
  try {
    await keep(version, await record(stack, progress));
  } finally {
    clearInterval(alive);
    await stack.stop();
  }
}

async function replayAll(): Promise<Report> {
  const startedAtMs = performance.now();
  const [bundle, histories] = await Promise.all([bundleWorkflows(), allHistories()]);
  const bundledAtMs = performance.now();
  const replayed: Replayed[] = [];
  for await (const one of replay({ bundle }, histories)) {
    replayed.push(one);
    if (one.verdict.kind !== 'replays') progress(problemOf(one));
  }
  return {
    histories: replayed.length,
    events: histories.reduce((sum, { history }) => sum + (history.events?.length ?? 0), 0),
    bundleMs: Math.round(bundledAtMs - startedAtMs),
    replayMs: Math.round(performance.now() - bundledAtMs),
    missing: missing(histories),
    problems: replayed.filter(({ verdict }) => verdict.kind !== 'replays').map(problemOf),
  };
}

function textOf(report: Report, green: boolean): string {
  const { histories, events, replayMs } = report;
  return [
    `${histories} recorded histories with ${events} events, replayed in ${(replayMs / 1_000).toFixed(1)} s`,
    ...report.problems.map((problem) => `✗ ${problem}`),
    ...report.missing.map((what) => `✗ no history holds: ${what}; add a golden run and record again`),
    ...(report.problems.length === 0
      ? []
      : [
          `what to do: ${MEND}. Where nothing of this release runs anywhere yet, record again instead with "npm run replay -- --record"`,
        ]),
    green ? 'every one replays' : 'DIFFERENT',
    '',
  ].join('\n');
}

process.exitCode = await main();
