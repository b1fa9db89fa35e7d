import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Link, openProxy } from '../../chaos/proxy.ts';

// An echo behind the proxy: what comes back has passed both ways.

const servers: { close(): void }[] = [];
const sockets: Socket[] = [];
let link: Link;

beforeEach(async () => {
  const echo = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  servers.push(echo);
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const address = echo.address();
  link = await openProxy({
    host: '127.0.0.1',
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    seed: 3,
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await link[Symbol.asyncDispose]();
  for (const server of servers.splice(0)) server.close();
});

interface Caller {
  readonly socket: Socket;
  heard(): string;
}

async function call(): Promise<Caller> {
  const socket = connect(link.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  return { socket, heard: () => heard };
}

const comes = (caller: Caller, text: string) => expect.poll(caller.heard, { timeout: 5_000 }).toBe(text);

describe('a proxy', () => {
  test('forwards, and counts what passes', async () => {
    const caller = await call();
    caller.socket.write('one');
    await comes(caller, 'one');
    expect(link.connections).toEqual({ open: 1, all: 1 });
    expect(link.bytes).toBe(6);
  });

  test('that is late keeps the order', async () => {
    const caller = await call();
    link.set({ kind: 'late', delayMs: 5, stallShare: 0.5, stallMs: 20 });
    const words = Array.from({ length: 20 }, (_, i) => `${i};`);
    const fromMs = performance.now();
    for (const word of words) {
      caller.socket.write(word);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await comes(caller, words.join(''));
    expect(performance.now() - fromMs).toBeGreaterThan(10);
  });

  test('that is silent keeps what was said, and says it when it is healed', async () => {
    const caller = await call();
    link.set({ kind: 'silent' });
    caller.socket.write('one');
    const other = await call();
    other.socket.write('two');
    expect([caller.heard(), other.heard()]).toEqual(['', '']);
    link.heal();
    await comes(caller, 'one');
    await comes(other, 'two');
  });

  test('leaves the old connections dead where it is told to, and never closes them; new ones work', async () => {
    const caller = await call();
    link.set({ kind: 'silent' });
    caller.socket.write('one');
    link.heal('dead');
    const next = await call();
    next.socket.write('two');
    await comes(next, 'two');
    expect(caller.heard()).toBe('');
    expect(caller.socket.closed).toBe(false);
  });

  test('that refuses resets what is there and what comes', async () => {
    const caller = await call();
    const closed = new Promise((resolve) => caller.socket.once('close', resolve));
    link.set({ kind: 'refusing' });
    await closed;
    const next = connect(link.port, '127.0.0.1');
    sockets.push(next);
    const [error] = await once(next, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    link.heal();
    const last = await call();
    last.socket.write('three');
    await comes(last, 'three');
  });
});
