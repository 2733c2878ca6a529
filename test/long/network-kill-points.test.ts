import { expect, test } from 'vitest'
import { killAt, pointsUpTo, tableOf } from '../support/network-kill-points.ts'
import { testPort } from '../support/ports.ts'

test('a network that is killed at any step of commit has equal peers afterwards, and all that it acknowledged', async () => {
  const found = await killAt(pointsUpTo(32), testPort(960))
  process.stdout.write(`${tableOf(found)}\n`)
  expect(found.length).toBeGreaterThanOrEqual(50)
  expect(found.filter(({ lost, areEqual }) => lost > 0 || !areEqual)).toEqual([])
  expect(found.every(({ acknowledged }) => acknowledged > 0)).toBe(true)
})
