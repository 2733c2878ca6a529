import { expect, test } from 'vitest'
import { killAt, type KillPoint } from '../../../support/network-kill-points.ts'
import { testPort } from '../../../support/ports.ts'

const deaths = ['torn', 'power', 'after', 'before'] as const
const points = [1, 3, 6, 8, 11, 14, 17, 22].map((count, index): KillPoint => ({
  count,
  death: deaths[index % deaths.length] ?? 'before',
}))

test('a network that is killed while it commits has equal peers afterwards, and all that it acknowledged', async () => {
  const found = await killAt(points, testPort(960))
  expect(found).toHaveLength(points.length)
  for (const aftermath of found) expect(aftermath).toMatchObject({ lost: 0, areEqual: true })
  expect(found.every(({ acknowledged }) => acknowledged > 0)).toBe(true)
}, 180_000)
