import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The same end-to-end suite on a network of its own, started before it and stopped after it. */
const onNetwork = (network: string, include = ['test/end-to-end/network/**/*.test.ts']) => ({
  test: {
    name: `end-to-end-${network}`,
    root,
    include,
    globalSetup: [`test/end-to-end/setup-${network}.ts`],
    // The suites share a network and stop its parts: one file at a time.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})

export default defineConfig({
  test: {
    // Two on two processors, where the default is one: tests wait for one another's processes and networks half of the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          root,
          include: [
            'test/{bench,chaincode,gateway,mutation,oracle,scripts}/**/*.test.ts',
            'test/architecture.test.ts',
          ],
          globalSetup: ['test/support/setup-postgres.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        // What takes minutes and is run by hand: `npm run test:long`.
        test: {
          name: 'long',
          root,
          include: ['test/long/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
        },
      },
      onNetwork('demo'),
      onNetwork('narrow'),
      onNetwork('docker-demo'),
      onNetwork('docker-narrow'),
      onNetwork('docker-faults', ['test/end-to-end/docker/**/*.test.ts']),
      {
        test: {
          name: 'end-to-end-instance',
          root,
          include: ['test/end-to-end/instance/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
