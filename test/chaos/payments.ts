import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

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
}

const NOTHING: Account = { requests: 0, acts: 0, checks: 0 };

/**
 * `POST /honours` pays once for a key, however often it is asked; `POST /ignores` pays every time. `GET /` says whether
 * money moved. The key is in the header `idempotency-key`.
 */
export async function openPayments(): Promise<Payments> {
  const books = new Map<string, Account>();
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'] ?? '');
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
    response.setHeader('content-type', 'application/json');
    // A process that was stopped for a while must not find its old connection closed and call that an answer.
    response.setHeader('connection', 'close');
    response.end(JSON.stringify({ paid: (books.get(key) ?? NOTHING).acts > 0 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (key) => books.get(key) ?? NOTHING,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
