import { connect, createServer, type Socket } from 'node:net';
import { randomOf } from '../hostile/random.ts';

/**
 * A TCP proxy that does to connections what networks do.
 *
 * `open`: it forwards. `late`: every piece arrives `delayMs` later, and some (`stallShare`) `stallMs` later still, with
 * all that comes after them: what loss looks like from above TCP. `silent`: nothing arrives and nothing is closed; what
 * was sent is kept. `refusing`: connections are reset, and new ones too.
 */
export type Weather =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'late';
      readonly delayMs: number;
      readonly stallShare: number;
      readonly stallMs: number;
    }
  | { readonly kind: 'silent' }
  | { readonly kind: 'refusing' };

export interface Link extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Open ones, and those that were accepted so far. */
  readonly connections: { readonly open: number; readonly all: number };
  /** Bytes that have passed, both ways. */
  readonly bytes: number;
  set(weather: Weather): void;
  /** Forwards again. `dead`: those that fell silent stay so for ever, never closed; only new ones work. */
  heal(old?: 'resume' | 'dead'): void;
}

interface Pair {
  readonly sides: readonly [Socket, Socket];
  /** Fell silent and was not healed. */
  dead: boolean;
}

const EMPTY = Buffer.alloc(0);

/** Listens on a free port of loopback. */
export async function openProxy(target: {
  readonly host: string;
  readonly port: number;
  readonly seed: number;
}): Promise<Link> {
  const random = randomOf(target.seed);
  const pairs = new Set<Pair>();
  let weather: Weather = { kind: 'open' };
  let all = 0;
  let bytes = 0;
  /** One direction of one connection; pieces keep their order. */
  const forward = (pair: Pair, from: Socket, to: Socket) => {
    let freeAtMs = 0;
    let timer: NodeJS.Timeout | null = null;
    const late: { readonly piece: Buffer; readonly atMs: number }[] = [];
    const held: Buffer[] = [];
    const pass = (piece: Buffer) => {
      bytes += piece.length;
      if (to.writable) to.write(piece);
    };
    // One timer for all of them: two may fire in another order than that in which they are due.
    const passDue = () => {
      timer = null;
      while (late[0] !== undefined && late[0].atMs <= Date.now()) pass(late.shift()?.piece ?? EMPTY);
      if (late[0] !== undefined) timer = setTimeout(passDue, Math.max(1, late[0].atMs - Date.now()));
    };
    const passAt = (piece: Buffer, atMs: number) => {
      late.push({ piece, atMs });
      if (timer === null) passDue();
    };
    from.on('data', (piece: Buffer) => {
      if (pair.dead) return;
      switch (weather.kind) {
        case 'silent':
        case 'refusing':
          held.push(piece);
          return;
        case 'late': {
          const stalled = random.chance(weather.stallShare) ? weather.stallMs : 0;
          freeAtMs = Math.max(freeAtMs, Date.now() + weather.delayMs + stalled);
          passAt(piece, freeAtMs);
          return;
        }
        case 'open':
          // What is late comes first.
          if (late.length > 0) passAt(piece, freeAtMs);
          else pass(piece);
          return;
        default:
          weather satisfies never;
      }
    });
    return () => {
      for (const piece of held.splice(0)) passAt(piece, freeAtMs);
    };
  };
  const flushes = new Map<Pair, readonly (() => void)[]>();
  const reset = (pair: Pair) => {
    for (const side of pair.sides) side.resetAndDestroy();
  };
  const server = createServer((near) => {
    all += 1;
    if (weather.kind === 'refusing') {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: target.host, port: target.port });
    const pair: Pair = { sides: [near, far], dead: false };
    pairs.add(pair);
    flushes.set(pair, [forward(pair, near, far), forward(pair, far, near)]);
    for (const [side, other] of [
      [near, far],
      [far, near],
    ] as const) {
      side.setNoDelay(true);
      side.on('error', () => undefined);
      // Half of a connection is none; in silence nobody hears of the end either.
      side.on('close', () => {
        if (weather.kind === 'silent' || pair.dead) {
          if (side === near) forget(pair);
          return;
        }
        other.destroy();
        forget(pair);
      });
    }
  });
  const forget = (pair: Pair) => {
    pairs.delete(pair);
    flushes.delete(pair);
    for (const side of pair.sides) side.destroy();
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    address: `127.0.0.1:${address.port}`,
    get connections() {
      return { open: pairs.size, all };
    },
    get bytes() {
      return bytes;
    },
    set: (next) => {
      weather = next;
      if (next.kind === 'refusing') for (const pair of [...pairs]) reset(pair);
    },
    heal: (old = 'resume') => {
      weather = { kind: 'open' };
      for (const pair of [...pairs]) {
        if (old === 'dead') pair.dead = true;
        else for (const flush of flushes.get(pair) ?? []) flush();
        // Who has closed their side in the silence is gone now.
        if (old === 'resume' && pair.sides.some((side) => side.destroyed)) forget(pair);
      }
    },
    [Symbol.asyncDispose]: async () => {
      weather = { kind: 'refusing' };
      for (const pair of [...pairs]) forget(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
