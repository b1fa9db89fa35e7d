import { expect, test } from 'vitest';
import { isInTime } from '../quickTime.ts';

test.each([
  [true, 300_000, true, []],
  [
    true,
    300_600,
    false,
    [expect.stringMatching(/^FAILED: --quick took 301 s, and 300 s is what it may take/)],
  ],
  [false, 3_600_000, true, []],
])('quick %s, after %d ms: %s', (quick, tookMs, inTime, words) => {
  const said: string[] = [];
  expect(isInTime({ quick, tookMs }, (line) => said.push(line))).toBe(inTime);
  expect(said).toEqual(words);
});
