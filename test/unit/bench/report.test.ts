import { describe, expect, test } from 'vitest';
import type { Benchmark, Findings } from '../../../bench/benchmark.ts';
import { isMet, markdownOf, textOf } from '../../../bench/report.ts';

const goal = { what: 'a ratio', goal: 2, unit: 'x' };

const FINDINGS: Findings = {
  goals: [
    { ...goal, figure: 1.23456, comparison: '<=' },
    { ...goal, figure: 1, comparison: '>=' },
  ],
  tables: [
    {
      title: 'A table',
      head: ['name', 'figure'],
      rows: [
        ['a | b', 1],
        ['longer name', 22],
      ],
    },
  ],
  plots: [{ name: 'one', title: 'One [plot]', x: { label: 'x' }, y: { label: 'y' }, lines: [] }],
  problems: ['a run was lost'],
  raw: null,
};

const BENCHMARK: Benchmark = { name: 'some', question: 'How much?', measure: async () => FINDINGS };

describe('reports', () => {
  test('a goal is met on its border, and a figure that is none meets nothing', () => {
    expect(isMet({ ...goal, figure: 2, comparison: '<=' })).toBe(true);
    expect(isMet({ ...goal, figure: 2, comparison: '>=' })).toBe(true);
    expect(isMet({ ...goal, figure: 2.01, comparison: '<=' })).toBe(false);
    expect(isMet({ ...goal, figure: 1.99, comparison: '>=' })).toBe(false);
    expect(isMet({ ...goal, figure: Number.NaN, comparison: '<=' })).toBe(false);
    expect(isMet({ ...goal, figure: Number.NaN, comparison: '>=' })).toBe(false);
  });

  test('on a terminal columns stand under one another, a missed goal and a problem are seen', () => {
    const text = textOf({ benchmark: BENCHMARK, findings: FINDINGS });
    expect(text).toContain('a | b        1\nlonger name  22');
    expect(text).toContain('✓ a ratio: 1.23x (goal <= 2x)');
    expect(text).toContain('✗ a ratio: 1x (goal >= 2x)');
    expect(text).toContain('! a run was lost');
  });

  test('a goal says how far apart its rounds were', () => {
    const spread: Findings = {
      ...FINDINGS,
      goals: [{ ...goal, figure: 1.5, comparison: '<=', spread: [1.23456, 2.5] }],
    };
    expect(textOf({ benchmark: BENCHMARK, findings: spread })).toContain(
      'a ratio: 1.50x (1.23 to 2.50; goal <= 2x)',
    );
  });

  test('the page says how it was measured, what was missed, and keeps its tables whole', () => {
    const page = markdownOf(BENCHMARK, FINDINGS);
    expect(page).toContain('npm run bench -- --only some');
    expect(page).toContain('- **missed**: a ratio: 1x (goal >= 2x)');
    expect(page).toContain('- **problem**: a run was lost');
    expect(page).toContain('| a \\| b | 1 |');
    expect(page).toContain('![One \\[plot\\]](some-one.svg)');
    // One empty line between parts, none inside a list or table.
    expect(page).toContain('- met: a ratio: 1.23x (goal <= 2x)\n- **missed**');
    expect(page).not.toContain('\n\n\n');
  });
});
