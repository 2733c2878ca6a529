import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LedgerTransport, Sealed } from '../../../gateway/src/ledger/index.ts'
import {
  keepProjection,
  prepareProjection,
  type KeptProjection,
} from '../../../gateway/src/projection/index.ts'
import { openProjection, sqliteDialect, type Projection } from '../../../gateway/src/store/index.ts'
import { poll } from '../../support/poll.ts'
import { testPort } from '../../support/ports.ts'
import { startProbeNetwork, type ProbeNetwork } from '../../support/probe-network.ts'

const anyTwo = { required: [], among: ['north', 'south', 'authority'], count: 2 }
const collection = 'consent-north'

let probes: ProbeNetwork
let ledger: LedgerTransport
let database: Projection
let projection: KeptProjection
const logged: string[] = []

beforeAll(async () => {
  probes = await startProbeNetwork(testPort(920))
  ledger = await probes.connect('south')
  database = await openProjection(sqliteDialect(':memory:'))
  await prepareProjection(database, false)
  projection = await keepProjection({
    database,
    transport: ledger,
    members: new Set([collection]),
    log: { event: (event) => logged.push(event), fault: (where) => logged.push(where) },
    reconcileEveryMs: 200,
  })
}, 30_000)
afterAll(async () => {
  projection.stop()
  await probes.close()
  await database.destroy()
}, 10_000)

const count = (key: string): Sealed => ({
  name: 'Count',
  commitment: key,
  transient: { collection: Buffer.from(collection), key: Buffer.from(key) },
})

async function valueOf(key: string): Promise<string | undefined> {
  const row = await database
    .selectFrom('private_values')
    .select('value')
    .where('key', '=', Buffer.from(key))
    .executeTakeFirst()
  return row && Buffer.from(row.value).toString()
}

test('what the own peer missed while it was away is in the projection soon after', async () => {
  const first = await ledger.submit(count('before'), anyTwo)
  expect(await projection.reaches(first.block, 5000)).toBe(true)
  expect(await valueOf('before')).toBe('1')
  await probes.network.stop('peer-south')
  const away = await ledger.submit(count('meanwhile'), anyTwo)
  const again = await ledger.submit(count('before'), anyTwo)
  // So that nobody can give it the values when it commits the blocks.
  const others = ['peer-north', 'peer-authority'] as const
  for (const name of others) await probes.network.stop(name)
  await probes.network.start('peer-south')
  expect(await projection.reaches(Math.max(away.block, again.block), 10_000)).toBe(true)
  expect(await projection.missing()).toBe(2)
  expect([await valueOf('meanwhile'), await valueOf('before')], 'not even the old one').toEqual([
    undefined,
    undefined,
  ])
  for (const name of others) await probes.network.start(name)
  await poll('the missing values', async () => ((await projection.missing()) === 0 ? true : undefined))
  expect([await valueOf('meanwhile'), await valueOf('before')]).toEqual(['1', '2'])
  expect(projection.state().fault).toBeUndefined()
  expect(logged).toContain('projection.reconciled')
})
