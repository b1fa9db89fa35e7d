import { Context } from '@temporalio/activity';
import { BREAKER_RULES } from '../core/breakerRules.ts';
import { LIMITS } from '../core/limits.ts';
import { governBreakers } from '../store/governor.ts';
import { paced, takeHeldByBreakers } from '../store/waking.ts';
import type { ActivityServices } from './services.ts';
import type { BreakerChangeTold } from './types.ts';

// What the governor workflow has done. Each is harmless to repeat.

/** Reads the last minutes, opens and closes breakers, and says what changed. */
export async function govern({ sql }: ActivityServices): Promise<readonly BreakerChangeTold[]> {
  const changes = await governBreakers(sql, BREAKER_RULES);
  return changes.slice(0, LIMITS.listRows);
}

/** Tells runs that a breaker holds no more to look again; returns how many. A run that has ended hears nothing. */
export async function wakeHeld({ sql, namespaceId }: ActivityServices): Promise<number> {
  const { client, heartbeat } = Context.current();
  const runs = await takeHeldByBreakers(sql, namespaceId, LIMITS.wakesPerLook);
  await paced(each(runs), async ({ workflowId }) => {
    heartbeat();
    await client.workflow
      .getHandle(workflowId)
      .signal(LOOK_AGAIN)
      .catch((error: unknown) =>
        Context.current().log.warn('a held run could not be told to look again', { workflowId, error }),
      );
  });
  return runs.length;
}

/** Name of the signal, see workflows/messages.ts: activities know no workflow code. */
const LOOK_AGAIN = 'lookAgain';

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}
