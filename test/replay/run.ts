import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { bundleWorkflows } from '../../src/replay/bundle.ts';
import { parseHistory } from '../../src/replay/history.ts';
import { replay } from '../../src/replay/replay.ts';
import { startStack } from '../../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import { allHistories } from './places.ts';
import { keep, record } from './record.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const progress = (line: string) => process.stderr.write(`${line}\n`);
const { values } = parseArgs({ options: { record: { type: 'boolean', default: false } } });
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});
if (values.record) {
  const { version } = JSON.parse(await readFile(resolve(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  const stack = await startStack({
    dir: resolve(ROOT, '.holdfast/replay'),
    ui: false,
    fresh: true,
    searchAttributes: SEARCH_ATTRIBUTES,
    onProgress: (line) => progress(`stack: ${line}`),
  });
  try {
    await keep(version, await record(stack, progress));
  } finally {
    await stack.stop();
  }
}
const bundle = await bundleWorkflows();
const startedAtMs = Date.now();
for await (const one of replay({ bundle }, await allHistories()))
  progress(`${one.name}: ${JSON.stringify(one.verdict)} ${Date.now() - startedAtMs}`);
void parseHistory;
