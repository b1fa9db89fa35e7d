import { expect, test } from 'vitest';
import { type Freeze, type Held, judgeFreezes } from '../../chaos/campaigns/freezing.ts';

const HELD: Held = { key: 'r/1/0', state: 'applied', takenOver: true, lateWord: false, settledAtMs: 13_000 };
const frozen = (...held: readonly Partial<Held>[]): Freeze => ({
  frozenAtMs: 1_000,
  grips: [],
  held: held.map((change) => ({ ...HELD, ...change })),
});

test('a freeze is measured until the last of its effects is settled', () => {
  const later = { key: 'r/2/0', takenOver: false, settledAtMs: 21_000 };
  expect(judgeFreezes([frozen({}, later), frozen({ takenOver: false, lateWord: true })])).toEqual({
    problems: [],
    vacuous: [],
    settledMs: [20_000, 12_000],
  });
});

test('every freeze has to show that two had one effect, not one of many', () => {
  const alone = frozen({ takenOver: false });
  expect(judgeFreezes([frozen({}), alone, null]).vacuous).toEqual([
    'freeze 3 held nothing that others came for',
    'freeze 2: nobody else had what it held (r/1/0)',
  ]);
});

test('an effect that nobody settles is a problem', () => {
  const { problems, settledMs } = judgeFreezes([frozen({ state: 'claimed', settledAtMs: null })]);
  expect(problems).toEqual(['R7: r/1/0 was in the hands of a frozen worker, and is still claimed']);
  expect(settledMs).toEqual([]);
});
