import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A payment service outside, which remembers when it was first asked for what. */
export interface Payments extends AsyncDisposable {
  readonly url: string;
  /** When the request for this came in, on the clock of `performance.now`. Rejects when none comes. */
  arrival(what: string): Promise<number>;
}

const ARRIVAL_MS = 60_000;

export async function openPayments(): Promise<Payments> {
  const arrivals = new Map<string, number>();
  const waiting = new Map<string, (atMs: number) => void>();
  const server = createServer((request, response) => {
    const atMs = performance.now();
    const what = (request.url ?? '').slice(1);
    response.end('paid');
    if (arrivals.has(what)) return;
    arrivals.set(what, atMs);
    waiting.get(what)?.(atMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrival: (what) => {
      const atMs = arrivals.get(what);
      if (atMs !== undefined) return Promise.resolve(atMs);
      return new Promise((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`no payment for ${what} within ${ARRIVAL_MS} ms`)),
          ARRIVAL_MS,
        );
        waiting.set(what, (seenMs) => {
          clearTimeout(late);
          waiting.delete(what);
          resolve(seenMs);
        });
      });
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
