import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { faults, type Fault } from './faults.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Plants a fault in the source as it is loaded; the file stays as it is. */
function plant({ file, from, to }: Fault): Plugin {
  return {
    name: 'plant',
    enforce: 'pre',
    transform(source, id) {
      return id.endsWith(`/scripts/network/${file}`) ? source.split(from).join(to) : undefined
    },
  }
}

/** The fault whose number is given; none when there is none of it, so that the tests can be seen to pass. */
const planted = faults[Number(process.env.MEDLEDGER_PLANTED)]

export default defineConfig({
  plugins: planted === undefined ? [] : [plant(planted)],
  test: {
    root,
    // What is kept there of an earlier run holds that run's fault.
    fsModuleCache: false,
    include: [
      'test/oracle/**/*.test.ts',
      'test/scripts/network/fabric/**/*.test.ts',
      'test/scripts/network/embedded/{attacks,channel,configuration,msp}/**/*.test.ts',
      'test/scripts/network/embedded/ledger/{endorsements,range-query,read-write-set,simulate,state,validate}.test.ts',
    ],
    testTimeout: 60_000,
  },
})
