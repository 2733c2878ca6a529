import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { faults } from './faults.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Plants the fault whose number MEDLEDGER_PLANTED holds in the source as it is loaded; the file stays as it is. */
function plant(number: string | undefined): Plugin {
  const fault = faults[Number(number)]
  if (fault === undefined) throw new RangeError(`MEDLEDGER_PLANTED is ${number}, which is no fault’s number`)
  const { file, from, to } = fault
  return {
    name: 'plant',
    enforce: 'pre',
    transform(source, id) {
      return id.endsWith(`/scripts/network/${file}`) ? source.split(from).join(to) : undefined
    },
  }
}

export default defineConfig({
  plugins: [plant(process.env.MEDLEDGER_PLANTED)],
  test: {
    root,
    include: [
      'test/oracle/**/*.test.ts',
      'test/scripts/network/{fabric,embedded/{attacks,ledger,msp}}/**/*.test.ts',
    ],
    testTimeout: 60_000,
  },
})
