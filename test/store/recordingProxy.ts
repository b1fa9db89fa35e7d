import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes requests on to a model server and keeps their bodies. */
export interface RecordingProxy extends AsyncDisposable {
  readonly url: string;
  /** Bodies of `POST /v1/messages`, oldest first. */
  readonly bodies: readonly string[];
}

export async function openRecordingProxy(target: () => string): Promise<RecordingProxy> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    bodies.push(body);
    const { authorization = '', 'anthropic-version': version = '' } = request.headers;
    const answer = await fetch(`${target()}${request.url}`, {
      method: request.method ?? 'POST',
      headers: { 'content-type': 'application/json', authorization, 'anthropic-version': String(version) },
      body,
    });
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/json',
    });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
