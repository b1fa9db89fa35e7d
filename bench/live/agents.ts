import { MAX_RUN_LIMITS } from '../../src/core/limits.ts';
import { success } from '../../src/tools/result.ts';
import { ASK_ALL, effectTool, labAgent, readTool } from '../../test/e2e/labAgent.ts';

const TIMEOUT_MS = 10_000;
const LIMITS = { ...MAX_RUN_LIMITS };

/** Talks, looks things up, and writes things down; nobody is asked. Its tools take no time of their own. */
export const talker = labAgent(
  [
    readTool('look_up', ({ what }) => success({ seen: what, state: 'sent', carrier: 'by road' }), {
      timeoutMs: TIMEOUT_MS,
    }),
    effectTool('write_down', ({ what }) => success({ written: what }), {
      tier: 'write_safe',
      timeoutMs: TIMEOUT_MS,
    }),
  ],
  { name: 'talker', limits: LIMITS },
);

/** Pays at a service outside once a person has said yes. Who asked for it is how the service tells payments apart. */
export const payer = labAgent(
  [
    effectTool(
      'pay',
      async (_, { requester, signal }) => {
        await pay(requester.id, signal);
        return success('paid');
      },
      { touches: 'external', timeoutMs: TIMEOUT_MS },
    ),
  ],
  { name: 'payer', policy: ASK_ALL, limits: LIMITS },
);

/** One request to the payments service of the bench, whoever makes it. */
export async function pay(what: string, signal?: AbortSignal): Promise<void> {
  const response = await fetch(`${process.env.PAYMENTS_URL}/${what}`, {
    method: 'POST',
    ...(signal && { signal }),
  });
  await response.text();
}
