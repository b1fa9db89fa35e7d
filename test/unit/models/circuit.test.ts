import { describe, expect, test } from 'vitest';
import { retryable, terminal } from '../../../src/core/errors.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { type Circuits, createCircuits, type Pass } from '../../../src/models/circuit.ts';

const OVERLOADED = retryable('model_overloaded', 'x');
const TRIP = LIMITS.circuitFailuresInARow;

function lab(random = 0) {
  const clock = { nowMs: 1_000 };
  const circuits = createCircuits({ nowMs: () => clock.nowMs, random: () => random });
  return { clock, circuits };
}

function pass(circuits: Circuits, model = 'm'): Pass {
  const admission = circuits.admit(model);
  if (admission.kind === 'wait') throw new Error(`waits ${admission.waitMs} ms`);
  return admission.pass;
}

function open(circuits: Circuits, retryAfterMs?: number): void {
  for (let i = 0; i < TRIP; i += 1) pass(circuits).failed(retryable('model_overloaded', 'x', retryAfterMs));
}

function waitMs(circuits: Circuits, model = 'm'): number {
  const admission = circuits.admit(model);
  if (admission.kind === 'go') admission.pass.leave();
  return admission.kind === 'go' ? 0 : admission.waitMs;
}

describe('closed (K1)', () => {
  test('failures in a row open it; a success in between does not let them add up', () => {
    const { circuits } = lab();
    for (let round = 0; round < 2; round += 1) {
      for (let i = 1; i < TRIP; i += 1) pass(circuits).failed(OVERLOADED);
      pass(circuits).answered();
    }
    expect(waitMs(circuits)).toBe(0);
    open(circuits);
    expect(waitMs(circuits)).toBe(LIMITS.circuitOpenFirstMs);
  });

  test('a share of failures within the window opens it, an old one does not count', () => {
    const { circuits, clock } = lab();
    const turn = (calls: number): void => {
      for (let i = 0; i < calls; i += 1)
        if (i % 2 === 0) pass(circuits).failed(OVERLOADED);
        else pass(circuits).answered();
    };
    turn(LIMITS.circuitWindowCalls - 1);
    clock.nowMs += LIMITS.circuitWindowMs + 1;
    turn(LIMITS.circuitWindowCalls - 1);
    expect(waitMs(circuits)).toBe(0);
    turn(1);
    expect(waitMs(circuits)).toBeGreaterThan(0);
  });

  test('a rate limit that names its time opens it at once, for that time', () => {
    const { circuits } = lab();
    pass(circuits).failed(retryable('model_rate_limited', 'x', 90_000));
    expect(waitMs(circuits)).toBe(90_000);
  });

  test('one model is not another', () => {
    const { circuits } = lab();
    open(circuits);
    expect([waitMs(circuits, 'm') > 0, waitMs(circuits, 'n')]).toEqual([true, 0]);
  });

  test.each([terminal('model_auth', 'x'), terminal('model_cancelled', 'x'), retryable('model_garbled', 'x')])(
    "what is not the model's own failure says nothing: $code",
    (failure) => {
      const { circuits } = lab();
      for (let i = 0; i < 3 * LIMITS.circuitWindowCalls; i += 1) pass(circuits).failed(failure);
      expect(waitMs(circuits)).toBe(0);
    },
  );
});

describe('open (K2)', () => {
  test('a time that the API names is kept to the end, a longer one than ours too', () => {
    const { circuits, clock } = lab();
    open(circuits, 120_000);
    clock.nowMs += 119_999;
    expect(waitMs(circuits)).toBe(1);
    clock.nowMs += 1;
    expect(waitMs(circuits)).toBe(0);
  });

  test('our own time doubles with each opening in a row, to a bound, and is only ever stretched', () => {
    for (const random of [0, 0.999]) {
      const { circuits, clock } = lab(random);
      open(circuits);
      const waits: number[] = [];
      for (let i = 0; i < 8; i += 1) {
        waits.push(waitMs(circuits));
        clock.nowMs += waits.at(-1) ?? 0;
        pass(circuits).failed(OVERLOADED);
      }
      waits.forEach((wait, i) => {
        const own = Math.min(LIMITS.circuitOpenMaxMs, LIMITS.circuitOpenFirstMs * 2 ** i);
        expect(wait).toBeGreaterThanOrEqual(own);
        expect(wait).toBeLessThanOrEqual(own * 1.25);
      });
    }
  });

  test('a hundred calls in flight open it once, and a late success does not close it (K4)', () => {
    const { circuits } = lab();
    const inFlight = Array.from({ length: 100 }, () => pass(circuits));
    for (const one of inFlight.slice(0, 99)) one.failed(OVERLOADED);
    inFlight[99]?.answered();
    expect(waitMs(circuits)).toBe(LIMITS.circuitOpenFirstMs);
  });
});

describe('half open (K3)', () => {
  function halfOpen() {
    const { circuits, clock } = lab();
    open(circuits);
    clock.nowMs += LIMITS.circuitOpenFirstMs;
    return { circuits, clock };
  }

  test('one probe at a time', () => {
    const { circuits } = halfOpen();
    const probe = pass(circuits);
    expect(waitMs(circuits)).toBe(LIMITS.routePollMs);
    probe.leave();
    pass(circuits).failed(OVERLOADED);
    expect(waitMs(circuits)).toBe(2 * LIMITS.circuitOpenFirstMs);
  });

  test('each success lets one more run, and enough of them close it', () => {
    const { circuits } = halfOpen();
    let answered = 0;
    for (let width = 1; width <= LIMITS.circuitRampCalls; width += 1) {
      const running: Pass[] = [];
      for (let i = 0; i < width; i += 1) running.push(pass(circuits));
      expect(waitMs(circuits)).toBeGreaterThan(0);
      running.pop()?.answered();
      answered += 1;
      for (const one of running) one.leave();
    }
    expect(answered).toBe(LIMITS.circuitRampCalls);
    for (let i = 0; i < 500; i += 1) pass(circuits);
    // Closed anew: the next opening is a first one.
    open(circuits);
    expect(waitMs(circuits)).toBe(LIMITS.circuitOpenFirstMs);
  });

  test('a probe that says nothing keeps the others waiting for a bounded time only', () => {
    const { circuits, clock } = halfOpen();
    const silent = pass(circuits);
    clock.nowMs += LIMITS.circuitProbeMs - 1;
    expect(waitMs(circuits)).toBeGreaterThan(0);
    clock.nowMs += 1;
    const second = pass(circuits);
    second.failed(OVERLOADED);
    silent.answered();
    expect(waitMs(circuits)).toBe(2 * LIMITS.circuitOpenFirstMs);
  });

  test('only the first word of a pass counts', () => {
    const { circuits } = halfOpen();
    const probe = pass(circuits);
    probe.answered();
    probe.failed(OVERLOADED);
    probe.leave();
    expect(waitMs(circuits)).toBe(0);
  });
});

describe('rate limits (K5)', () => {
  const limited = retryable('model_rate_limited', 'x', 1_000);

  test('one among many holds all for its time, then half as many run, and slowly more', () => {
    const { circuits, clock } = lab();
    const running = Array.from({ length: 20 }, () => pass(circuits));
    running[0]?.failed(limited);
    for (const one of running.slice(1)) one.failed(limited);
    expect(waitMs(circuits)).toBe(1_000);
    clock.nowMs += 1_000;
    const half = Array.from({ length: 10 }, () => pass(circuits));
    expect(waitMs(circuits)).toBe(LIMITS.routePollMs);
    for (const one of half) one.answered();
    const next = Array.from({ length: 10 }, () => pass(circuits));
    expect(waitMs(circuits)).toBe(LIMITS.routePollMs);
    for (const one of next) one.answered();
    for (let i = 0; i < 11; i += 1) pass(circuits);
    expect(waitMs(circuits)).toBe(LIMITS.routePollMs);
  });

  test('when not even one call goes through, the named time is doubled, and then it recovers as fast as ever', () => {
    const { circuits, clock } = lab();
    const waits: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      pass(circuits).failed(limited);
      waits.push(waitMs(circuits));
      clock.nowMs += waits.at(-1) ?? 0;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    pass(circuits).answered();
    const two = [pass(circuits), pass(circuits)];
    for (const one of two) one.answered();
    for (let i = 0; i < 4; i += 1) pass(circuits);
    expect(waitMs(circuits)).toBe(LIMITS.routePollMs);
  });
});

test('those who wait for one thing do not come back together, and never too early', () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const circuits = createCircuits({ nowMs: () => 0, random });
  const waits = Array.from({ length: 100 }, () => circuits.spread(1_000));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_750);
  expect(new Set(waits).size).toBeGreaterThan(80);
});
