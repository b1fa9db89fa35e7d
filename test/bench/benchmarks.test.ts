import { describe, expect, inject, test } from 'vitest';
import { BENCHMARKS } from '../../bench/benchmarks.ts';

// `npm run bench -- --quick`, on the stack of the tests: everything that is measured works. Its figures are no figures.

const stack = {
  databaseUrl: inject('databaseUrl'),
  temporalAddress: inject('temporalAddress'),
  temporalNamespace: inject('temporalNamespace'),
  uiUrl: inject('uiUrl'),
  attached: true,
  stop: async () => undefined,
};

describe('benchmarks', () => {
  test.each(BENCHMARKS.map((benchmark) => [benchmark.name, benchmark] as const))(
    '%s measures what it says',
    async (_, benchmark) => {
      const findings = await benchmark.measure({ quick: true, seed: 1, stack, progress: () => undefined });
      expect(findings.problems).toEqual([]);
      expect(findings.tables.length + findings.goals.length).toBeGreaterThan(0);
      for (const { what, figure } of findings.goals) expect(Number.isFinite(figure), what).toBe(true);
    },
    180_000,
  );

  test('have names of their own', () => {
    expect(new Set(BENCHMARKS.map(({ name }) => name)).size).toBe(BENCHMARKS.length);
  });
});
