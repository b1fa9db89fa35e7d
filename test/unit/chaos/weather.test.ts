import { describe, expect, test } from 'vitest';
import { recovery } from '../../chaos/campaigns/storm.ts';
import { failedMost } from '../../chaos/campaigns/weather.ts';
import { brokenBounds, type Taken } from '../../chaos/witness.ts';

const MB = 1024 * 1024;
const GIVEN = { workers: 2, underWay: 5, circuit: { openFirstMs: 5_000, openMaxMs: 60_000 } };
const OVERLOADED = { kind: 'http', status: 529 } as const;
const limited = (retryAfterSeconds: number) => ({ kind: 'http', status: 429, retryAfterSeconds }) as const;

describe('requests that may fail in a scene', () => {
  test.each<[string, Parameters<typeof failedMost>[0], number]>([
    [
      'three a worker open its circuit, and two probes follow',
      { ms: 30_000, share: 1, faults: [OVERLOADED] },
      15,
    ],
    ['one probe more in a minute', { ms: 60_000, share: 1, faults: [OVERLOADED] }, 17],
    ['a time that is named is shorter', { ms: 45_000, share: 1, faults: [limited(2)] }, 19],
    ['what gets through starts it anew', { ms: 60_000, share: 0.7, faults: [OVERLOADED] }, 34],
  ])('%s', (_, scene, most) => {
    expect(failedMost(scene, GIVEN)).toBe(most);
  });

  test('without circuits there were more: the bound is one', () => {
    const asked = (GIVEN.workers * 30_000) / 1_000;
    expect(failedMost({ ms: 30_000, share: 1, faults: [OVERLOADED] }, GIVEN)).toBeLessThan(asked);
  });
});

const TAKEN: Taken = {
  socketsMost: 60,
  rssBeforeBytes: 400 * MB,
  rssMostBytes: 500 * MB,
  heapBeforeBytes: 80 * MB,
  heapAfterBytes: 90 * MB,
  underWayMost: 20,
  parked: 1,
};

describe('what workers take', () => {
  test('may grow a little', () => {
    expect(brokenBounds(TAKEN)).toEqual([]);
  });

  test.each<[string, Partial<Taken>, string]>([
    ['sockets that are not closed', { socketsMost: 5_000 }, 'a worker had 5000 sockets open'],
    ['memory without end', { rssMostBytes: 700 * MB }, 'a worker grew from 400 to 700 MB'],
    ['a heap that stays full', { heapAfterBytes: 130 * MB }, 'went from 80 to 130 MB and stayed there'],
  ])('is found: %s', (_, change, problem) => {
    expect(brokenBounds({ ...TAKEN, ...change }).join('\n')).toContain(problem);
  });
});

describe('the recovery after a fault', () => {
  const begunAtMs = Date.now();
  const fleetOf = (...looks: readonly (number | null | Error)[]) => {
    const left = [...looks];
    return {
      progressAfter: async () => {
        const look = left.shift() ?? null;
        if (look instanceof Error) throw look;
        return look;
      },
    };
  };

  test('lasts to the first work that began after it, also where the store is away for a while', async () => {
    const fleet = fleetOf(new Error('the store is away'), null, begunAtMs + 250);
    expect(await recovery(fleet, begunAtMs, 60_000)).toBe(250);
  });

  test('is missed where nothing begins in time', async () => {
    expect(await recovery(fleetOf(), Date.now(), 150)).toBeNull();
    expect(await recovery(fleetOf(new Error('away'), new Error('away')), Date.now(), 150)).toBeNull();
  });
});
