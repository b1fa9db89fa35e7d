import { success, type ToolResult } from '../../../src/tools/result.ts';
import type { Tool } from '../../../src/tools/tool.ts';
import { effectTool, readTool } from '../../e2e/labAgent.ts';

// Tools that end the process they run in, each in its own way, whenever they run.

const TIMEOUT_MS = 1_000;

function exits(): never {
  process.exit(7);
}

/** As much as it can get. */
function eats(): ToolResult {
  const kept: unknown[] = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length));
}

function spins(): ToolResult {
  for (;;);
}

export const POISONS: readonly Tool<unknown>[] = [
  readTool('read_exits', exits, { timeoutMs: TIMEOUT_MS }),
  readTool('read_eats', eats, { timeoutMs: TIMEOUT_MS }),
  readTool('read_spins', spins, { timeoutMs: TIMEOUT_MS }),
  effectTool('act_exits', exits, { timeoutMs: TIMEOUT_MS, replay: 'keyed', touches: 'external' }),
  effectTool('act_never_exits', exits, { timeoutMs: TIMEOUT_MS, replay: 'never', touches: 'external' }),
  effectTool('check_exits', exits, {
    timeoutMs: TIMEOUT_MS,
    replay: 'checkable',
    touches: 'external',
    settlesWithinMs: 100,
    check: exits,
  }),
  effectTool('amount_exits', () => success('never gets here'), { amount: exits }),
];
