import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Endpoint, readEndpoint } from '../../../src/notices/endpoint.ts';

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export interface Received {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks on loopback. `answer` may be replaced while it runs. */
export interface Receiver extends AsyncDisposable {
  readonly port: number;
  readonly endpoint: Endpoint;
  readonly received: Received[];
  answer: (response: ServerResponse, received: Received) => void;
}

export async function openReceiver(answer: Receiver['answer'] = status(204)): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        method: request.method,
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      received.push(one);
      receiver.answer(response, one);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    port,
    endpoint: endpointOf(`http://127.0.0.1:${port}/hook`, `127.0.0.1:${port}`),
    received,
    answer,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

export function endpointOf(url: string, allow = ''): Endpoint {
  const endpoint = readEndpoint(url, allow);
  if (typeof endpoint === 'string') throw new Error(`${url} ${endpoint}`);
  return endpoint;
}

export function status(code: number, headers: Record<string, string> = {}): Receiver['answer'] {
  return (response) => {
    response.writeHead(code, headers).end();
  };
}

/** As a receiver would check it, written from the specification alone. */
export function isSigned(received: Received, secret: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures } = received.headers;
  const expected = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(Buffer.concat([Buffer.from(`${id}.${at}.`), Buffer.from(received.body, 'utf8')]))
    .digest();
  return String(signatures)
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one.slice(3), 'base64'))
    .some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}
