import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** What the service knows about one idempotency key. */
export interface Account {
  /** Payments that were asked for under it. */
  readonly requests: number;
  /** Times that money moved. */
  readonly acts: number;
  /** Times that somebody looked whether it did. */
  readonly checks: number;
}

/** A payment service with its own books: what they say is what happened. */
export interface Payments extends AsyncDisposable {
  readonly url: string;
  of(key: string): Account;
  readonly books: ReadonlyMap<string, Account>;
  /** Money moves so often more, or less, whatever anybody asked for: a fault for the judge to find. */
  plant(key: string, acts: number): void;
}

const NOTHING: Account = { requests: 0, acts: 0, checks: 0 };

/**
 * `POST /honours` pays once for a key, however often it is asked; `POST /ignores` pays every time. `GET /` says whether
 * money moved. The key is in the header `idempotency-key`. It takes `delayMs` before the money moves and once more before
 * it says so.
 */
export async function openPayments({ delayMs = 0 }: { readonly delayMs?: number } = {}): Promise<Payments> {
  const books = new Map<string, Account>();
  const enter = (request: IncomingMessage, key: string) => {
    const before = books.get(key) ?? NOTHING;
    if (request.method === 'GET') books.set(key, { ...before, checks: before.checks + 1 });
    else {
      const again = request.url === '/honours' && before.acts > 0;
      books.set(key, {
        ...before,
        requests: before.requests + 1,
        acts: before.acts + (again ? 0 : 1),
      });
    }
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const key = String(request.headers['idempotency-key'] ?? '');
    // What has arrived is done, also for somebody who is gone by then.
    if (delayMs > 0) await setTimeout(delayMs);
    enter(request, key);
    if (delayMs > 0) await setTimeout(delayMs);
    response.setHeader('content-type', 'application/json');
    // A process that was stopped for a while must not find its old connection closed and call that an answer.
    response.setHeader('connection', 'close');
    response.end(JSON.stringify({ paid: (books.get(key) ?? NOTHING).acts > 0 }));
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (key) => books.get(key) ?? NOTHING,
    books,
    plant: (key, acts) => {
      const before = books.get(key) ?? NOTHING;
      books.set(key, { ...before, acts: before.acts + acts });
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
