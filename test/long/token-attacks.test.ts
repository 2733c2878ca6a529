import { expect, test } from 'vitest'
import { seedOfRun } from '../support/seed.ts'
import { attackWith, openBattlefield, tableOf } from '../support/token-attacks/campaign.ts'

const seed = seedOfRun('hostile tokens')

/** `MEDLEDGER_TEST_TRIES` asks for more. */
const tries = Math.max(100_000, Number(process.env['MEDLEDGER_TEST_TRIES'] ?? 0))

test(`of ${tries} hostile tokens gateway and chaincode accept none, and answer none with a server error`, async () => {
  const field = await openBattlefield()
  const { tallies, surprises } = await attackWith(field, { tries, seed })
  process.stdout.write(`${tableOf(tallies)}\n`)
  expect(surprises).toEqual([])
  expect(tallies.every(({ accepted, faults, odd }) => accepted + faults + odd === 0)).toBe(true)
  expect(field.network.world.logged).toEqual([])
})
