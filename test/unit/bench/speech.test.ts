import { describe, expect, test } from 'vitest';
import { openShare, type Speech, turnsOf } from '../../../bench/conversations/speech.ts';

const SEED = { seed: 1, hurry: 1 };
const UNTIL_MS = 300_000;
const STEADY_MS = 90_000;
const PIECE_MS = 30_000;

interface Said {
  readonly atMs: number;
  /** When the run that it began ends; null where it began none. */
  readonly endsAtMs: number | null;
}

/** What a customer says who is answered in the model's own time. */
function saidBy(customer: number, speech: Speech): readonly Said[] {
  const said: Said[] = [];
  let atMs = 0;
  for (let spoken = 0; atMs < UNTIL_MS; spoken += 1) {
    const conversation = spoken === 0 ? customer : speech.joined * (spoken + 1) + customer;
    const times = turnsOf(speech, conversation).map(({ thinkMs, modelMs }) => {
      const sentAtMs = atMs + thinkMs;
      atMs = modelMs.reduce((sum, ms) => sum + ms, sentAtMs);
      return sentAtMs;
    });
    said.push(...times.map((sentAtMs, turn) => ({ atMs: sentAtMs, endsAtMs: turn === 0 ? atMs : null })));
  }
  return said;
}

describe('customers of the benchmark', () => {
  test('once all have spoken, as many runs are open as are wanted, and a quarter of the messages begin one', () => {
    const wanted = 1_000;
    const joined = Math.round(wanted / openShare(SEED));
    const speech = { ...SEED, joined };
    const said = Array.from({ length: joined }, (_, customer) => saidBy(customer, speech)).flat();
    let pieces = 0;
    for (let fromMs = STEADY_MS; fromMs < UNTIL_MS - PIECE_MS; fromMs += PIECE_MS) {
      const sent = said.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + PIECE_MS);
      const first = sent.filter(({ endsAtMs }) => endsAtMs !== null);
      const open = said.filter(({ atMs, endsAtMs }) => atMs <= fromMs && (endsAtMs ?? 0) > fromMs);
      expect(open.length / wanted, `open at ${fromMs}`).toBeCloseTo(1, 1);
      expect(first.length / sent.length, `begun from ${fromMs}`).toBeGreaterThan(0.22);
      expect(first.length / sent.length, `begun from ${fromMs}`).toBeLessThan(0.28);
      pieces += 1;
    }
    expect(pieces).toBe(6);
  });

  test('without those who are in one already, all begin together: the same check sees it', () => {
    const said = Array.from({ length: 1_000 }, (_, customer) =>
      saidBy(customer, { ...SEED, joined: 0 }),
    ).flat();
    const sent = said.filter(({ atMs }) => atMs >= 60_000 && atMs < 90_000);
    expect(sent.filter(({ endsAtMs }) => endsAtMs !== null).length / sent.length).toBeLessThan(0.1);
  });
});
