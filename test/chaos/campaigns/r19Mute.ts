import type { Fault } from '../../../src/models/scripted/faults.ts';
import { openFleet } from '../fleet/fleet.ts';
import { IMPATIENCE } from '../impatience.ts';
import type { Campaign } from './campaign.ts';
import { playWeather, type Weather } from './weather.ts';

/** Not one byte, for longer than anybody waits. */
const mute: Fault = { kind: 'slow', delayMs: 600_000 };
/** Headers, and then nothing; or the beginning of an answer, and then nothing. */
const hanging: Fault = { kind: 'hang' };
const stuck: Fault = { kind: 'hang', afterEvents: 3 };
const pinging: Fault = { kind: 'drip', what: 'pings', everyMs: 1_000 };
const dripping: Fault = { kind: 'drip', what: 'bytes', everyMs: 1_000 };
const resetting: Fault = { kind: 'reset', afterEvents: 0 };
const torn: Fault = { kind: 'reset', afterEvents: 3 };

const ALL = [mute, hanging, stuck, pinging, dripping, resetting, torn] as const;
const MS = 20_000;
const CONCURRENCY = { quick: 12, full: 20 };

const SCENES = {
  quick: [{ name: 'all kinds', ms: 12_000, share: 0.9, faults: ALL }],
  full: [
    { name: 'no byte', ms: MS, share: 1, faults: [mute] },
    { name: 'headers only', ms: MS, share: 1, faults: [hanging] },
    { name: 'stuck in the middle', ms: MS, share: 1, faults: [stuck] },
    { name: 'a ping a second', ms: MS, share: 1, faults: [pinging] },
    { name: 'a byte a second', ms: MS, share: 1, faults: [dripping] },
    { name: 'reset at once', ms: MS, share: 1, faults: [resetting] },
    { name: 'reset in the middle', ms: MS, share: 1, faults: [torn] },
    { name: 'all kinds', ms: 60_000, share: 0.7, faults: ALL },
  ],
} as const satisfies Record<string, readonly Weather[]>;

export const r19: Campaign = {
  id: 'R19',
  promise:
    'a model API that hangs, drips and resets under load: every run goes on by itself, workers stay small, nothing is paid twice',
  run: async (how) => {
    const { quick, seed } = how;
    const size = quick ? 'quick' : 'full';
    await using fleet = await openFleet({ addresses: await how.addresses(), seed, workers: 0 });
    const module = new URL('../impatientWorker.ts', import.meta.url);
    await Promise.all(Array.from({ length: quick ? 1 : 2 }, () => fleet.startWorker({}, module)));
    const report = await playWeather({
      how,
      fleet,
      scenes: quick ? SCENES.quick : SCENES.full,
      concurrency: CONCURRENCY[size],
      calmMs: quick ? [500, 1_500] : [8_000, 12_000],
      recoverWithinMs: 90_000,
      patienceMs: 8 * 60_000,
      // Whoever comes is kept there until they have no patience any more: all of them.
      underWay: CONCURRENCY[size],
      circuit: IMPATIENCE,
      failedAtLeast: 4,
      enough: { runsAtLeast: quick ? 12 : 100, effectsAtLeast: quick ? 6 : 50 },
    });
    const { stallMs, callMs, openFirstMs, openMaxMs } = IMPATIENCE;
    const workersPatience = `${stallMs / 1_000} s of silence, ${callMs / 1_000} s a call, circuits open ${openFirstMs / 1_000} to ${openMaxMs / 1_000} s`;
    return { ...report, figures: { workersPatience, ...report.figures } };
  },
};
