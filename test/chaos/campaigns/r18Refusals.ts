import { LIMITS } from '../../../src/core/limits.ts';
import type { Fault } from '../../../src/models/scripted/faults.ts';
import { openFleet } from '../fleet/fleet.ts';
import type { Campaign } from './campaign.ts';
import { playWeather, type Weather } from './weather.ts';

const limited = (retryAfterSeconds?: number): Fault => refusal(429, retryAfterSeconds);
const overloaded = (retryAfterSeconds?: number): Fault => refusal(529, retryAfterSeconds);

function refusal(status: number, retryAfterSeconds: number | undefined): Fault {
  return { kind: 'http', status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

const mixed: Pick<Weather, 'faults'> = { faults: [limited(), limited(2), overloaded(), overloaded(2)] };

const SCENES = {
  quick: [{ ...mixed, name: 'mixed', ms: 12_000, share: 0.9 }],
  full: [
    { name: '529', ms: 30_000, share: 1, faults: [overloaded()] },
    { name: '529 with retry-after', ms: 30_000, share: 1, faults: [overloaded(3)] },
    { name: '429', ms: 45_000, share: 1, faults: [limited()] },
    { name: '429 with retry-after', ms: 45_000, share: 1, faults: [limited(2)] },
    { ...mixed, name: 'mixed', ms: 60_000, share: 1 },
    { ...mixed, name: 'mixed, seven of ten', ms: 60_000, share: 0.7 },
  ],
} as const satisfies Record<string, readonly Weather[]>;

export const r18: Campaign = {
  id: 'R18',
  promise:
    'storms of 429 and 529 under load: every run waits and goes on by itself, few requests are made, none is paid twice',
  run: async (how) => {
    const { quick, seed } = how;
    await using fleet = await openFleet({ addresses: await how.addresses(), seed, workers: quick ? 1 : 2 });
    return await playWeather({
      how,
      fleet,
      scenes: quick ? SCENES.quick : SCENES.full,
      concurrency: quick ? 12 : 20,
      // Runs that parked look again once a minute: some come back in between, others meet several storms.
      calmMs: quick ? [500, 1_500] : [15_000, 25_000],
      // The longest that a circuit stays open, and then a probe.
      recoverWithinMs: 120_000,
      patienceMs: 8 * 60_000,
      // Of a step's time the model has a small part: of 20 customers three at most were seen there at once.
      underWay: quick ? 3 : 5,
      circuit: { openFirstMs: LIMITS.circuitOpenFirstMs, openMaxMs: LIMITS.circuitOpenMaxMs },
      failedAtLeast: 4,
      enough: { runsAtLeast: quick ? 12 : 100, effectsAtLeast: quick ? 6 : 50 },
    });
  },
};
