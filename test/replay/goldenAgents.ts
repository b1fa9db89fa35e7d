import { Context } from '@temporalio/activity';
import type { Rule } from '../../src/core/policy.ts';
import type { Agent } from '../../src/tools/agent.ts';
import { success, type ToolResult } from '../../src/tools/result.ts';
import { ALLOW_ALL, ASK_ALL, effectTool, labAgent, readTool } from '../e2e/labAgent.ts';

// The agents of the golden runs: as few tools as reach every branch.

const look = readTool('look');
const note = effectTool('note');

/** Tools that begin and end when the run that calls them says so, by what it calls them with. */
export class Gates {
  readonly #begun = new Set<string>();
  readonly #open = new Map<string, () => void>();

  begun(what: string): boolean {
    return this.#begun.has(what);
  }

  release(what: string): void {
    this.#open.get(what)?.();
  }

  async pass(what: string): Promise<ToolResult> {
    const opened = new Promise<void>((resolve) => this.#open.set(what, resolve));
    this.#begun.add(what);
    await opened;
    return success(`did ${what}`);
  }
}

/** The first model call of each of these runs meets a bug of ours: at once, and once its gate is opened. */
export const RUN_WITH_BUG = 'golden-bug';
export const RUN_WITH_LATE_BUG = 'golden-bug-heard';

export function plantBugs(gates: Gates): (point: string) => Promise<void> {
  const planted = new Set<string>();
  return async (point) => {
    const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
    if (point !== 'model:before-call' || planted.has(workflowId)) return;
    if (workflowId !== RUN_WITH_BUG && workflowId !== RUN_WITH_LATE_BUG) return;
    planted.add(workflowId);
    if (workflowId === RUN_WITH_LATE_BUG) await gates.pass('bug');
    throw new TypeError('planted by the recorder');
  };
}

const asking = (more: object = {}): readonly Rule[] => [
  { name: 'asks', match: { tiers: ['write_risky'] }, answer: { kind: 'ask', reason: 'a risk', ...more } },
];

/** Short, but long enough that a slow machine does what a run does before its time is over. */
const SHORT_MS = 3_000;

export function goldenAgents(gates: Gates): readonly Agent[] {
  const slow = effectTool('slow', ({ what }) => gates.pass(what), { timeoutMs: 60_000 });
  const lost = effectTool('lost', () => Promise.reject(new Error('cut off')), {
    touches: 'external',
    replay: 'never',
  });
  return [
    labAgent([look, note, slow, lost], { policy: ALLOW_ALL }),
    labAgent([look, note], { name: 'asking', policy: ASK_ALL, asksPeople: true }),
    labAgent([note], {
      name: 'panel',
      policy: asking({
        quorum: 2,
        approvers: { people: ['anna'] },
        remindAfterMs: [500],
        escalation: [{ afterMs: 1_000, approvers: { people: ['anna', 'bert'] } }],
      }),
    }),
    labAgent([note], { name: 'hasty', policy: ASK_ALL, limits: { approvalMs: SHORT_MS } }),
    labAgent([look], { name: 'limited', limits: { iterationsPerTurn: 2 } }),
    labAgent([look], { name: 'capped', limits: { tokensPerRun: 15_000 } }),
    labAgent([look, note], { name: 'stopped', policy: ALLOW_ALL }),
    labAgent([look], { name: 'broken' }),
    labAgent([effectTool('trip')], { name: 'tripping', policy: ALLOW_ALL }),
    labAgent([look], { name: 'poor' }),
  ];
}
