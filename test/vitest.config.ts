import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          root,
          include: ['test/{chaincode,gateway,scripts}/**/*.test.ts', 'test/architecture.test.ts'],
          testTimeout: 20_000,
        },
      },
    ],
  },
})
