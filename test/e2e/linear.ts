import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startStack } from '../../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import { measureLinearity, problemsOf } from './linearRun.ts';

// npm run linear [-- --json]: a run of 500 steps, its history measured.

const STEPS = 500;
const progress = (line: string) => process.stderr.write(line);

Runtime.install({ logger: new DefaultLogger('ERROR') });
const stack = await startStack({
  dir: new URL('../../.holdfast/linear', import.meta.url).pathname,
  ui: false,
  fresh: true,
  searchAttributes: SEARCH_ATTRIBUTES,
  onProgress: (line) => progress(`stack: ${line}\n`),
});
try {
  const report = await measureLinearity(stack, STEPS, (step) =>
    progress(
      process.stderr.isTTY
        ? `\rstep ${step} of ${STEPS}`
        : step % 50 < 12
          ? `step ${step} of ${STEPS}\n`
          : '',
    ),
  );
  const problems = problemsOf(report, STEPS);
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ ...report, problems })}\n`);
  else
    process.stdout.write(
      [
        '',
        `${report.steps} steps in ${report.executions} executions (${report.executions - 1} continue-as-news), ${(report.ms / 1000).toFixed(1)} s`,
        `history: ${report.historyBytes} bytes; per step early ${report.earlyBytesPerStep}, late ${report.lateBytesPerStep}`,
        `largest payload: ${report.largestPayloadBytes} bytes`,
        ...problems.map((problem) => `✗ ${problem}`),
        `${problems.length === 0 ? 1 : 0} passed, ${problems.length === 0 ? 0 : 1} failed`,
        '',
      ].join('\n'),
    );
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await stack.stop();
}
