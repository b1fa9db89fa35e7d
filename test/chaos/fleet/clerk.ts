import type { Rule } from '../../../src/core/policy.ts';
import { type CheckResult, success, type ToolResult } from '../../../src/tools/result.ts';
import type { ToolContext } from '../../../src/tools/tool.ts';
import { effectTool, labAgent, readTool } from '../../e2e/labAgent.ts';
import { SECRET } from './secrecy.ts';

// The agent of every fleet: it reads, and pays in each of the ways in which an effect can be repeated.

/** Its effects time out after this; with the lease's margins another worker may act 10 s later. */
const TOOL_TIMEOUT_MS = Number(process.env.TOOL_TIMEOUT_MS ?? 2_000);

type Context = ToolContext<unknown>;

const paying =
  (service: 'honours' | 'ignores') =>
  async (_: unknown, context: Context): Promise<ToolResult> => {
    await ask(context, 'POST', `/${service}`);
    return success('paid');
  };

const OUTWARD = { touches: 'external', timeoutMs: TOOL_TIMEOUT_MS } as const;

export const ASKED = 'pay_asked';
export const LOOK = 'look';

/** Who may say yes. */
export const APPROVERS = ['boss', 'deputy-1', 'deputy-2', 'deputy-3', 'deputy-4'] as const;

const POLICY: readonly Rule[] = [
  {
    name: 'asked',
    match: { tools: [ASKED] },
    answer: { kind: 'ask', reason: 'somebody has to look at it', approvers: { people: APPROVERS } },
  },
  { name: 'others', match: {}, answer: { kind: 'allow' } },
];

export const clerk = labAgent(
  [
    readTool(LOOK, async ({ what }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return success(`seen ${what} with ${SECRET}`);
    }),
    effectTool(ASKED, paying('honours'), { ...OUTWARD, replay: 'keyed' }),
    effectTool('pay_keyed', paying('honours'), { ...OUTWARD, replay: 'keyed' }),
    effectTool('pay_checkable', paying('ignores'), {
      ...OUTWARD,
      replay: 'checkable',
      settlesWithinMs: 100,
      check: async (_, context): Promise<CheckResult> =>
        (await ask(context, 'GET', '/')).paid
          ? { kind: 'happened', result: success('paid') }
          : { kind: 'did_not' },
    }),
    effectTool('pay_never', paying('ignores'), { ...OUTWARD, replay: 'never' }),
  ],
  { name: 'clerk', policy: POLICY },
);

async function ask(context: Context, method: string, path: string): Promise<{ readonly paid: boolean }> {
  const response = await fetch(`${process.env.PAYMENTS_URL}${path}`, {
    method,
    headers: { 'idempotency-key': context.idempotencyKey },
    signal: context.signal,
  });
  return (await response.json()) as { paid: boolean };
}
