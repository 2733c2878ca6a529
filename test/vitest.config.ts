import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          root: '..',
          include: ['test/{chaincode,gateway,scripts}/**/*.test.ts', 'test/architecture.test.ts'],
          testTimeout: 20_000,
        },
      },
    ],
  },
})
