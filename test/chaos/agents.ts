import { agent as support } from '../../src/agents/support/index.ts';
import type { Agent } from '../../src/tools/agent.ts';
import { type CheckResult, failed, success, type ToolResult } from '../../src/tools/result.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { ASK_ALL, effectTool, labAgent } from '../e2e/labAgent.ts';
import { arrive } from './gate.ts';

const TOOL_TIMEOUT_MS = Number(process.env.TOOL_TIMEOUT_MS);

/** The support agent with the leases of the test, and at once in the middle of a conversation. */
export const shopkeeper: Agent = {
  ...support,
  release: {
    ...support.release,
    phases: [],
    tools: support.release.tools.map((tool) => ({
      ...tool,
      labels: { ...tool.labels, timeoutMs: TOOL_TIMEOUT_MS },
    })),
  },
};

type Context = ToolContext<unknown>;

const paying =
  (service: 'honours' | 'ignores') =>
  async (_: unknown, context: Context): Promise<ToolResult> => {
    if ((await arrive('tool:before-send')) === 'hear') {
      await hears(context);
      return failed('cancelled before anything was sent', { retryable: true });
    }
    await ask(context, 'POST', `/${service}`);
    if ((await arrive('tool:mid-act')) === 'hear') {
      await hears(context);
      throw new Error('aborted while the answer was on its way');
    }
    return success('paid');
  };

/** One tool a kind of effect. What `check` may rely on, and whether the service honours keys, is what differs. */
export const payer = labAgent(
  [
    effectTool('pay_keyed', paying('honours'), { ...outward(), replay: 'keyed' }),
    effectTool('pay_mislabelled', paying('ignores'), { ...outward(), replay: 'keyed' }),
    effectTool('pay_checkable', paying('ignores'), {
      ...outward(),
      replay: 'checkable',
      settlesWithinMs: 100,
      check: async (_, context): Promise<CheckResult> =>
        (await ask(context, 'GET', '/')).paid
          ? { kind: 'happened', result: success('paid') }
          : { kind: 'did_not' },
    }),
    effectTool('pay_blind', paying('ignores'), {
      ...outward(),
      replay: 'checkable',
      settlesWithinMs: 100,
      check: async (_, context): Promise<CheckResult> => {
        await ask(context, 'GET', '/');
        return { kind: 'cannot_tell', reason: 'the statement is not out yet' };
      },
    }),
    effectTool('pay_never', paying('ignores'), { ...outward(), replay: 'never' }),
  ],
  { name: 'payer', policy: ASK_ALL },
);

function outward() {
  return { touches: 'external', timeoutMs: TOOL_TIMEOUT_MS } as const;
}

/** The signal is not handed on: what is held here has looked at it for the last time. */
async function ask(context: Context, method: string, path: string): Promise<{ readonly paid: boolean }> {
  const response = await fetch(`${process.env.PAYMENTS_URL}${path}`, {
    method,
    headers: { 'idempotency-key': context.idempotencyKey },
  });
  return (await response.json()) as { paid: boolean };
}

/** Cancellation reaches an attempt with the answer to a heartbeat. */
async function hears(context: Context): Promise<void> {
  context.heartbeat();
  if (context.signal.aborted) return;
  await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }));
}
