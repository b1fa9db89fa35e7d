import { createConnection, createServer } from 'node:net';

const CONNECT_TIMEOUT_MS = 4_000;

/** Resolves when something listens there; otherwise throws at once, or after four seconds without any answer. */
export async function connectOnce(target: { readonly host: string; readonly port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection({ ...target, timeout: CONNECT_TIMEOUT_MS });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error(`no answer from ${target.host}:${target.port}`)));
    socket.once('error', reject);
  });
}

/** A free loopback port; the preferred one if it is free, so that addresses stay the same between starts. */
export async function findFreePort(preferred?: number): Promise<number> {
  if (preferred !== undefined) {
    const port = await tryListen(preferred);
    if (port !== undefined) return port;
  }
  const port = await tryListen(0);
  if (port === undefined) throw new Error('No free TCP port on 127.0.0.1; end some listening processes.');
  return port;
}

async function tryListen(port: number): Promise<number | undefined> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
