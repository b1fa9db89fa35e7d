import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { LIMITS } from '../core/limits.ts';
import { cutOff } from './clients.ts';

/** `Sql.listen`: one connection, opened anew when it ends, for as long as nobody says `unlisten`. */
export async function listen(
  config: pg.ClientConfig,
  channel: string,
  onPayload: (payload: string) => void,
  onListening: () => void = () => undefined,
): Promise<{ unlisten(): Promise<void> }> {
  const over = new AbortController();
  const open = async () => {
    // Nothing may be said on it for long, so nobody drops it for that.
    const { stream: _, ...own } = config;
    const client = new pg.Client(own);
    const ended = new Promise<void>((resolve) => {
      client.once('error', () => resolve());
      client.once('end', () => resolve());
    });
    client.on('error', () => undefined);
    client.on('notification', ({ payload }) => onPayload(payload ?? ''));
    try {
      await client.connect();
      await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      cutOff(client);
      throw error;
    }
    onListening();
    return { client, ended };
  };
  let now = await open();
  const stay = async () => {
    while (!over.signal.aborted) {
      await now.ended;
      cutOff(now.client);
      for (let refusals = 0; !over.signal.aborted; refusals++) {
        // It rejects only because the listening is over, and that is looked at next.
        await delay(reconnectMs(refusals), undefined, { signal: over.signal }).catch(() => undefined);
        if (over.signal.aborted) return;
        try {
          now = await open();
          break;
        } catch {
          // It is tried again: a database may be away for long.
        }
      }
    }
    cutOff(now.client);
  };
  const staying = stay();
  return {
    unlisten: async () => {
      over.abort();
      cutOff(now.client);
      await staying;
    },
  };
}

/** Doubled by each refusal, and spread, so that the workers of a fleet do not come back all at once. */
function reconnectMs(refusals: number): number {
  return (0.5 + Math.random() / 2) * Math.min(LIMITS.reconnectFirstMs * 2 ** refusals, LIMITS.reconnectMaxMs);
}
