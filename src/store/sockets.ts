import { Socket } from 'node:net';

const LOOKS = 4;

/**
 * The socket of a connection of a pool; it is dropped when it has said nothing for `silentMs`. One whose other end is gone
 * without a word (a frozen server, a proxy that lost its own connection) would be waited for until the kernel gives up,
 * a quarter of an hour, or for ever; once all of a pool are like that, its process does nothing any more and looks alive.
 * Whoever waits for an answer is told CONNECTION_CLOSED; an idle connection is opened anew when it is needed.
 */
export function watchedSocket(silentMs: number): Socket {
  const socket = new Socket();
  dropSilent(socket, silentMs);
  return socket;
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
