import { defineConfig } from 'vitest/config';

const withoutStack = ['test/unit/**/*.test.ts', 'test/sim/**/*.test.ts', 'test/architecture.test.ts'];
const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        test: {
          name: 'unit',
          include: withoutStack,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          ...timeouts,
        },
      },
      {
        // One PostgreSQL and one Temporal server for all files; a file at a time, since they share two cores.
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: withoutStack,
          globalSetup: ['test/stack/globalSetup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          ...timeouts,
        },
      },
    ],
  },
});
