import { DefaultLogger, Runtime } from '@temporalio/worker';
import pc from 'picocolors';
import { startStack } from '../../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import { playAll } from './playAll.ts';
import { readRetailData } from './retailData.ts';

// npm run conformance [-- --json]: every recorded conversation, end to end, against what was recorded.

const json = process.argv.includes('--json');
const progress = (line: string) => process.stderr.write(line);

async function main(): Promise<number> {
  const data = readRetailData();
  if (data === null) {
    progress(
      'the recorded conversations are not here (../shared/data/retail beside the checkout): nothing to compare with\n',
    );
    return 2;
  }
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const stack = await startStack({
    dir: new URL('../../.holdfast/conformance', import.meta.url).pathname,
    ui: false,
    fresh: true,
    searchAttributes: SEARCH_ATTRIBUTES,
    onProgress: (line) => progress(`stack: ${line}\n`),
  });
  try {
    const startedAtMs = Date.now();
    const played = await playAll({ addresses: stack, data, onProgress: (done, all) => drawBar(done, all) });
    progress('\n');
    const failed = played.filter((one) => one.problems.length > 0);
    for (const one of failed)
      for (const problem of one.problems) progress(`${pc.red('✗')} ${one.id}: ${problem}\n`);
    const summary = {
      conversations: played.length,
      passed: played.length - failed.length,
      failed: failed.length,
      calls: played.reduce((sum, one) => sum + one.calls, 0),
      approvals: played.reduce((sum, one) => sum + one.approvals, 0),
      costMicroUsd: played.reduce((sum, one) => sum + one.costMicroUsd, 0),
      ms: Date.now() - startedAtMs,
    };
    if (json) process.stdout.write(`${JSON.stringify({ ...summary, played })}\n`);
    else
      process.stdout.write(
        `${summary.conversations} conversations, ${summary.calls} calls, ${summary.approvals} approvals, ${(summary.ms / 1000).toFixed(1)} s: ${summary.passed} passed, ${summary.failed} failed\n`,
      );
    return failed.length === 0 ? 0 : 1;
  } finally {
    await stack.stop();
  }
}

function drawBar(done: number, all: number): void {
  const width = 40;
  const full = Math.round((done / all) * width);
  const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)} ${done}/${all}`;
  if (process.stderr.isTTY) progress(`\r${bar}`);
  else if (done % 10 === 0 || done === all) progress(`${bar}\n`);
}

process.exitCode = await main();
