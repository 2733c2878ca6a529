import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOperations } from '../support/kill-operations.ts'
import { killAt, pointsOf, tableOf, type Verdict } from '../support/kill-points.ts'
import { startKillRig, type KillRig } from '../support/kill-rig.ts'
import { testPort } from '../support/ports.ts'

let rig: KillRig
let close = async (): Promise<void> => {}
beforeAll(async () => {
  rig = await startKillRig(testPort(800))
  close = () => rig.close()
}, 240_000)
afterAll(() => close())

test('a gateway killed at any step of any operation loses nothing, doubles nothing, and releases nothing unlogged', async () => {
  const { patient, operations } = await openOperations(rig.network)
  const verdicts: Verdict[] = []
  for (const operation of operations) {
    for (const point of await pointsOf(rig, operation)) {
      const verdict = await killAt(rig, patient, operation, point)
      verdicts.push(verdict)
      const found = [...verdict.lost, ...verdict.doubled, ...verdict.unlogged]
      expect.soft(found, `${operation.name}, ${point.label} ${point.occurrence}`).toEqual([])
    }
  }
  process.stdout.write(`\n${tableOf(verdicts)}\n`)
  expect(verdicts.filter(({ killed }) => killed).length).toBeGreaterThanOrEqual(100)
})
