import { describe, expect, test } from 'vitest';
import type { Plot } from '../../../bench/benchmark.ts';
import { svgOf } from '../../../bench/svg.ts';

const PLOT: Plot = {
  name: 'plot',
  title: 'A plot',
  x: { label: 'x' },
  y: { label: 'y' },
  lines: [
    {
      name: 'one',
      points: [
        [0, 0],
        [10, 100],
      ],
    },
  ],
};

/** Numbers of `points` of each line, in its own coordinates. */
function pathsOf(svg: string): number[][][] {
  return [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) =>
    points
      .split(' ')
      .filter((spot) => spot !== '')
      .map((spot) => spot.split(',').map(Number)),
  );
}

describe('plots', () => {
  test('words of others stay words', () => {
    const svg = svgOf({
      ...PLOT,
      title: '<script>alert("a & b")</script>',
      lines: [{ name: '"><g', points: [[1, 1]] }],
    });
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('"><g');
    expect(svg).toContain('&#60;script&#62;alert(&#34;a &#38; b&#34;)&#60;/script&#62;');
  });

  test('the largest value is at the top and to the right, the smallest at the bottom and to the left', () => {
    const [[low = [], high = []] = []] = pathsOf(svgOf(PLOT));
    expect(high[0]).toBeGreaterThan(low[0] ?? 0);
    expect(high[1]).toBeLessThan(low[1] ?? 0);
  });

  test('a linear axis begins at zero', () => {
    const svg = svgOf({
      ...PLOT,
      lines: [
        {
          name: 'far',
          points: [
            [90, 90],
            [100, 100],
          ],
        },
      ],
    });
    const [[low = [], high = []] = []] = pathsOf(svg);
    expect((high[0] ?? 0) - (low[0] ?? 0)).toBeLessThan(100);
    expect(svg).toContain('>0<');
  });

  test('on a logarithmic axis equal ratios are equal distances, and zero is left out', () => {
    const svg = svgOf({
      ...PLOT,
      y: { label: 'y', log: true },
      lines: [
        {
          name: 'grows',
          points: [
            [0, 0],
            [1, 1],
            [2, 100],
            [3, 10_000],
          ],
        },
      ],
    });
    const [path = []] = pathsOf(svg);
    expect(path).toHaveLength(3);
    const [a, b, c] = path.map(([, y]) => y ?? 0);
    expect((a ?? 0) - (b ?? 0)).toBeCloseTo((b ?? 0) - (c ?? 0), 0);
    for (const tick of ['1', '10', '100', '1k', '10k']) expect(svg).toContain(`>${tick}<`);
  });

  test('a logarithmic axis of less than a power of ten has ticks all the same', () => {
    const svg = svgOf({
      ...PLOT,
      y: { label: 'y', log: true },
      lines: [
        {
          name: 'narrow',
          points: [
            [1, 20],
            [2, 60],
          ],
        },
      ],
    });
    expect(svg).toContain('>20<');
    expect(svg).toContain('>50<');
  });

  test('a single point, equal values, no point and no line are drawn without a NaN', () => {
    for (const points of [
      [[5, 5]],
      [
        [1, 7],
        [2, 7],
      ],
      [],
    ] as const)
      for (const log of [false, true]) {
        const svg = svgOf({ ...PLOT, y: { label: 'y', log }, lines: [{ name: 'few', points }] });
        expect(svg).not.toMatch(/NaN|Infinity/);
      }
    const empty = svgOf({ ...PLOT, lines: [] });
    expect(empty).not.toMatch(/NaN|Infinity/);
    expect(empty).toContain('nothing was measured');
  });

  test('every line has a colour and a mark, and the drawing is wide enough for its name', () => {
    const names = ['a', 'b', 'c', 'a contender with a name that is much longer than the others'];
    const svg = svgOf({ ...PLOT, lines: names.map((name) => ({ name, points: [[1, 1]] })) });
    expect(new Set([...svg.matchAll(/polyline[^>]*stroke="(#\w+)"/g)].map(([, colour]) => colour)).size).toBe(
      4,
    );
    const width = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
    const longest = names.at(-1) ?? '';
    const left = Number(new RegExp(`<text x="([\\d.]+)"[^>]*>${longest}<`).exec(svg)?.[1]);
    expect(width - left).toBeGreaterThan(longest.length * 6.5);
  });
});
