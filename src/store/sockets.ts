import { Socket } from 'node:net';

/** What the driver hands to a maker of sockets. */
interface Target {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** Of a Unix socket; empty or false without one. */
  readonly path: string | false;
  /** Null for the connection that listens for notifications: it may be silent for ever. */
  readonly idle_timeout: number | null;
}

const LOOKS = 4;

/**
 * Opens the connections of a pool, and drops each that has said nothing for `silentMs`. One whose other end is gone
 * without a word (a frozen server, a proxy that lost its own connection) would be waited for until the kernel gives up,
 * a quarter of an hour, or for ever; once all of a pool are like that, its process does nothing any more and looks alive.
 * Whoever waits for an answer is told CONNECTION_CLOSED; an idle connection is opened anew when it is needed.
 */
export function watchedSockets(silentMs: number): (target: Target) => Socket {
  let opened = 0;
  return ({ host, port, path, idle_timeout }) => {
    const socket = new Socket();
    const at = opened++ % host.length;
    // Not waited for: what the driver writes before it is connected is kept, and failures reach it as events.
    if (path) socket.connect(path);
    else socket.connect(port[at] ?? 5_432, host[at] ?? 'localhost');
    // The driver takes the name for TLS from here.
    const named = path ? socket : Object.assign(socket, { host: host[at], port: port[at] });
    if (idle_timeout !== null) dropSilent(named, silentMs);
    return named;
  };
}

/** By the counter of the connection itself, which also sees what is read beneath TLS. */
function dropSilent(socket: Socket, silentMs: number): void {
  let read = 0;
  let heardAtMs = performance.now();
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer);
    if (socket.bytesRead !== read) {
      read = socket.bytesRead;
      heardAtMs = performance.now();
    } else if (performance.now() - heardAtMs > silentMs) socket.destroy();
  }, silentMs / LOOKS);
  timer.unref();
}
