import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { startStack } from '../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../src/workflows/searchAttributes.ts';
import { readArguments } from '../test/arguments.ts';
import { isInTime } from '../test/quickTime.ts';
import type { Benchmark, Findings } from './benchmark.ts';
import { BENCHMARKS } from './benchmarks.ts';
import { STACK_FOLDER } from './place.ts';
import { keep, textOf } from './report.ts';

// npm run bench [-- --quick --only steps,growth --seed N --json]: what it costs, side by side with what else there is.

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  only: { type: 'string' },
  seed: { type: 'string', default: '1' },
} as const;
const progress = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const values = readArguments(OPTIONS, progress);
  if (values === null) return 2;
  const chosen = choose(values.only);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed)) progress(`--seed is "${values.seed}": a whole number`);
  if (chosen === null || !Number.isSafeInteger(seed)) return 2;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    // The core writes its warnings to standard output by itself.
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
  const stack = await startStack({
    dir: STACK_FOLDER,
    ui: false,
    fresh: true,
    searchAttributes: SEARCH_ATTRIBUTES,
    onProgress: (line) => progress(`stack: ${line}`),
  });
  const found: { readonly benchmark: Benchmark; readonly findings: Findings }[] = [];
  try {
    for (const benchmark of chosen) {
      progress(`${benchmark.name}: ${benchmark.question}`);
      const findings = await benchmark.measure({
        quick: values.quick,
        seed,
        stack,
        progress: (line) => progress(`${benchmark.name}: ${line}`),
      });
      found.push({ benchmark, findings });
      // Figures of a quick run are no figures, and neither are those of a run in which something did not work.
      if (values.quick) continue;
      if (findings.problems.length === 0) keep(benchmark, findings);
      else
        progress(`${benchmark.name}: not kept, the files of the run before stand: ${findings.problems[0]}`);
    }
  } finally {
    await stack.stop();
  }
  const said = Object.fromEntries(found.map(({ benchmark, findings }) => [benchmark.name, findings]));
  process.stdout.write(values.json ? `${JSON.stringify(said)}\n` : found.map(textOf).join('\n'));
  return isInTime(values, progress) && found.every(({ findings }) => findings.problems.length === 0) ? 0 : 1;
}

function choose(only: string | undefined): readonly Benchmark[] | null {
  if (only === undefined) return BENCHMARKS;
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
  if (unknown.length === 0) return BENCHMARKS.filter(({ name }) => names.includes(name));
  progress(`--only names ${unknown.join(', ')}: there are ${BENCHMARKS.map(({ name }) => name).join(', ')}`);
  return null;
}

process.exitCode = await main();
