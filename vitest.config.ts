// Two projects: `unit` needs nothing but Node, `cluster` shares one real control plane (test/support/global-control-plane.ts).
import { defineConfig } from 'vitest/config';

const clusterTests = ['src/**/*.cluster.test.ts', 'test/e2e/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: clusterTests,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: clusterTests,
          globalSetup: ['test/support/global-control-plane.ts'],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
          // A test that fails once and passes then is a failure: CI does not try again.
          retry: 0,
        },
      },
    ],
  },
});
