import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { faults } from './faults.ts'

const network = new URL('../../../scripts/network/', import.meta.url)

test.each(faults)('there is one place for the fault that $name', ({ file, from, to }) => {
  const parts = readFileSync(new URL(file, network), 'utf8').split(from)
  expect(parts).toHaveLength(2)
  expect(parts.join(to)).not.toBe(parts.join(from))
})

test('faults have names of their own', () => {
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length)
})
