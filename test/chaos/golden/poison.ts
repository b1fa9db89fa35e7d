import { failed, success, type ToolResult } from '../../../src/tools/result.ts';
import type { Tool } from '../../../src/tools/tool.ts';
import { effectTool, readTool } from '../../e2e/labAgent.ts';

// Tools that end the process they run in, each in its own way, whenever they run.

/** None of them comes back, so waiting for them is all in vain. */
const quickly = { timeoutMs: 200 } as const;

function exits(): never {
  process.exit(7);
}

/** As much as it can get. */
function eats(): ToolResult {
  const kept: unknown[] = [];
  while (kept.length < Number.MAX_SAFE_INTEGER) kept.push(new Array(100_000).fill(kept.length));
  return success('never gets here');
}

function spins(): ToolResult {
  const started = performance.now();
  while (performance.now() >= started);
  return failed('never gets here');
}

export const POISONS: readonly Tool<unknown>[] = [
  readTool('read_exits', exits, quickly),
  readTool('read_eats', eats, quickly),
  readTool('read_spins', spins, quickly),
  // The first time inside a workflow task, of which nothing stands in the history.
  readTool('read_quick_exits', exits, { ...quickly, quick: true }),
  readTool('read_quick_spins', spins, { ...quickly, quick: true }),
  effectTool('act_exits', exits, { ...quickly, replay: 'keyed' }),
  effectTool('act_once_exits', exits, { ...quickly, replay: 'never' }),
  effectTool('check_exits', exits, {
    ...quickly,
    replay: 'checkable',
    settlesWithinMs: 100,
    check: exits,
  }),
];
