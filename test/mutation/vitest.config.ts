import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** The tests of the core, on the sources beside this file: StrykerJS changes those of a copy of the repository. */
export default defineConfig({
  // The workspace's link in node_modules leads out of that copy.
  resolve: { alias: { 'medledger-chaincode/core': at('chaincode/src/core/index.ts') } },
  test: {
    root: at(''),
    include: ['test/chaincode/core/**/*.test.ts'],
    // The laws and the comparison with the reference take minutes; what they find is to stand in a unit test or vector.
    exclude: ['**/{laws,reference}.property.test.ts'],
    // Each mutant is a run: other properties are drawn less often than in `npm test`.
    env: { MEDLEDGER_TEST_RUNS: '20' },
    testTimeout: 20_000,
  },
})
