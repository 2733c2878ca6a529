import { afterAll, beforeAll, expect, test } from 'vitest'
import { newDocument, newPatient, organisation, type LogRow, type TestPatient } from '../../support/clinic.ts'
import { faultsOn, type Faults } from '../../support/fault-network.ts'
import { recoveryMs, startLoad, type Shot } from '../../support/load.ts'
import { openNetwork, type Network } from '../../support/network.ts'
import { poll } from '../../support/poll.ts'

/*
 * Faults of the real network while ten accesses a second go through South's gateway. After each: every acknowledged access
 * has one entry in what every member's peer tells, every unknown outcome is settled, every peer holds every private value,
 * and the peers' chains are the same.
 */

let network: Network
let faults: Faults
let patient: TestPatient
let documents: { id: string; custodian: string }[]

interface Row {
  readonly fault: string
  readonly sent: number
  /** How many got which status, e.g. `200 × 181, 503 × 3`. */
  readonly answers: string
  readonly slowest: string
  readonly recovery: string
}
const table: Row[] = []

beforeAll(async () => {
  network = await openNetwork()
  faults = faultsOn(network)
  patient = await newPatient(network)
  documents = [
    { id: await newDocument(network, patient.handle, 'north'), custodian: 'north' },
    { id: await newDocument(network, patient.handle, 'south'), custodian: 'south' },
  ]
  await patient.grant({ type: 'permit', actor: [organisation('south')] })
})

afterAll(async () => {
  const rows = table.map(
    ({ fault, sent, answers, slowest, recovery }) =>
      `| ${fault} | ${sent} | ${answers} | ${slowest} | ${recovery} |`,
  )
  const memory = Object.entries(await faults.memory()).map(([service, size]) => `${service} ${size} MiB`)
  process.stdout.write(
    [
      '| fault | accesses | answers | slowest permit | recovery |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
      memory.join(', '),
      '',
    ].join('\n'),
  )
})

const seconds = (ms: number | undefined): string =>
  ms === undefined ? 'none' : `${(ms / 1000).toFixed(1)} s`

/** Lets the load go on: what is measured is a span of time, and nothing is waited for. */
const loadFor = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** By custodian and status. */
const countsOf = (shots: readonly Shot[]): string =>
  [...Map.groupBy(shots, ({ custodian, status }) => `${custodian} ${status}`)]
    .map(([name, same]) => `${name} × ${same.length}`)
    .toSorted()
    .join(', ')

interface Fault {
  readonly name: string
  /** Does it, and resolves at the instant from which recovery counts. */
  readonly inject: () => Promise<void>
  /** How long the load goes on afterwards. */
  readonly forMs: number
  /** Undoes it, when it does not heal by itself. */
  readonly heal?: () => Promise<void>
  /** Custodians whose documents must be available again meanwhile, and within how long. */
  readonly within: Readonly<Record<string, number>>
  /** Whether recovery counts from the healing. */
  readonly fromHealing?: true
}

/** Runs the load around a fault, and checks all that must hold afterwards. */
async function survive(fault: Fault): Promise<readonly Shot[]> {
  const load = startLoad(network, 'dr.chen', documents)
  await loadFor(3000)
  const before = load.shots.length
  let since = performance.now()
  await fault.inject()
  await loadFor(fault.forMs)
  if (fault.fromHealing) {
    since = performance.now()
    await fault.heal?.()
    await loadFor(30_000)
  }
  const shots = await load.stop()
  expect(before).toBeGreaterThan(10)
  const recovered = Object.keys(fault.within).map(
    (custodian) => [custodian, recoveryMs(shots, since, custodian)] as const,
  )
  table.push({
    fault: fault.name,
    sent: shots.length,
    answers: countsOf(shots),
    slowest: seconds(
      Math.max(...shots.filter(({ status }) => status === 200).map(({ milliseconds }) => milliseconds)),
    ),
    recovery: recovered.map(([custodian, ms]) => `${custodian} ${seconds(ms)}`).join(', '),
  })
  if (!fault.fromHealing) await fault.heal?.()
  await checkLedger(shots)
  for (const [custodian, ms] of recovered) {
    expect(ms, `${fault.name}: ${custodian}`).toBeDefined()
    expect(ms, `${fault.name}: ${custodian}`).toBeLessThan(fault.within[custodian] ?? 0)
  }
  return shots
}

/** Every acknowledged access once in each member's log, every unknown outcome settled, and one chain. */
async function checkLedger(shots: readonly Shot[]): Promise<void> {
  await Promise.all(shots.flatMap(({ location }) => (location === null ? [] : [settled(location)])))
  const acknowledged = shots.filter(({ status }) => status === 200).flatMap(({ entries }) => entries)
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  for (const at of ['north', 'south', 'authority']) {
    const rows = await wholeLog(at)
    const counts = new Map<string, number>()
    for (const { entry, kind } of rows) if (kind === 'access') counts.set(entry, (counts.get(entry) ?? 0) + 1)
    expect(acknowledged.filter((entry) => counts.get(entry) !== 1)).toEqual([])
    // Nothing was released that is not on the ledger.
    const released = rows.flatMap(({ kind, of }) => (kind === 'release' && of !== undefined ? [of] : []))
    expect(released.filter((entry) => !counts.has(entry))).toEqual([])
    expect(new Set(released).size).toBe(released.length)
  }
  await faults.complete()
  const compared = await faults.compare()
  expect(compared.differences).toEqual([])
}

function settled(location: string): Promise<string> {
  return poll(
    `${location} to be settled`,
    async () => {
      const answer = await network.ask('dr.chen', new URL(location, network.gateways['south']).pathname)
      const state: unknown = answer.body?.state
      return answer.status === 200 && state !== 'unknown' ? String(state) : undefined
    },
    { deadlineMs: 60_000, everyMs: 500 },
  )
}

/** All pages of the patient's log, as one organisation's gateway tells it. */
async function wholeLog(at: string): Promise<LogRow[]> {
  return poll(
    `the log at ${at}`,
    async () => {
      // While an organisation's parts are coming back it may answer that it cannot yet.
      const rows = await patient.log(at).catch(() => [])
      return rows.length > 0 ? rows : undefined
    },
    { deadlineMs: 60_000, everyMs: 1000 },
  )
}

const everyPart = ['gateway', 'chaincode', 'peer', 'orderer', 'database'] as const
const partsOf = (name: string): string[] => everyPart.map((part) => `${part}-${name}`)

const available = { north: 5000, south: 5000 }

test('one peer that is no custodian’s is stopped', async () => {
  await survive({
    name: 'peer of authority stopped',
    inject: () => faults.stop('peer-authority'),
    forMs: 15_000,
    heal: () => faults.start('peer-authority'),
    within: available,
  })
}, 300_000)

test('a custodian’s whole organisation is stopped: accesses to the others’ documents go on', async () => {
  const leads = (await faults.leader()) === 'north'
  await survive({
    name: `North stopped, whose orderer ${leads ? 'led' : 'did not lead'}`,
    inject: () => faults.stop(...partsOf('north')),
    forMs: 25_000,
    heal: async () => {
      await faults.start(...partsOf('north'))
      await ready('north')
    },
    within: { south: leads ? 15_000 : 5000 },
  })
}, 300_000)

test('an endorsing peer dies at any moment, and no private value is lost with it', async () => {
  await survive({
    name: 'peer of North crashed, three times',
    inject: async () => {
      for (let count = 0; count < 3; count += 1) {
        await network.kill('peer-north')
        await loadFor(4000)
      }
    },
    forMs: 15_000,
    within: { north: 60_000, south: 60_000 },
  })
}, 300_000)

test('the orderer that leads is killed', async () => {
  const leader = await faults.leader()
  await survive({
    name: 'leading orderer killed',
    inject: () => faults.stop(`orderer-${leader}`),
    forMs: 25_000,
    heal: () => faults.start(`orderer-${leader}`),
    within: { north: 15_000, south: 15_000 },
  })
}, 300_000)

test('two orderers are stopped: nothing is released, and it heals by itself within 30 s of their return', async () => {
  let stoppedAt = 0
  const shots = await survive({
    name: 'two orderers stopped for 15 s',
    inject: async () => {
      await faults.stop('orderer-north', 'orderer-south')
      stoppedAt = performance.now()
    },
    forMs: 15_000,
    fromHealing: true,
    heal: () => faults.start('orderer-north', 'orderer-south'),
    within: { north: 30_000, south: 30_000 },
  })
  // What had been ordered before may still be answered in the first second.
  const during = shots.filter(({ at }) => at > stoppedAt + 1000 && at < stoppedAt + 10_000)
  expect(during.length).toBeGreaterThan(50)
  expect(
    [...new Set(during.map(({ status }) => status))].filter((status) => ![202, 503, 429].includes(status)),
  ).toEqual([])
}, 300_000)

test('a chaincode container is killed', async () => {
  await survive({
    name: 'chaincode of North crashed',
    inject: () => network.kill('chaincode-north'),
    forMs: 15_000,
    within: { north: 10_000, south: 5000 },
  })
}, 300_000)

test('the asking gateway is killed three times', async () => {
  await survive({
    name: 'gateway of South crashed, three times',
    inject: async () => {
      for (let count = 0; count < 3; count += 1) {
        await network.kill('gateway-south')
        await ready('south')
      }
    },
    forMs: 10_000,
    within: { north: 60_000, south: 60_000 },
  })
}, 300_000)

test('a database is restarted', async () => {
  await survive({
    name: 'database of South restarted',
    inject: async () => {
      await faults.stop('database-south')
      await faults.start('database-south')
    },
    forMs: 20_000,
    within: { north: 15_000, south: 15_000 },
  })
}, 300_000)

test('a custodian’s peer hangs for 30 s', async () => {
  await survive({
    name: 'peer of North paused for 30 s',
    inject: () => faults.pause('peer-north'),
    forMs: 30_000,
    fromHealing: true,
    heal: () => faults.resume('peer-north'),
    within: { north: 30_000, south: 30_000 },
  })
}, 300_000)

/** Waits until an organisation's gateway says that it can serve. */
async function ready(name: string): Promise<void> {
  await poll(
    `the gateway of ${name} to be ready`,
    async () => {
      const answer = await fetch(`${network.gateways[name]}/readyz`).catch(() => undefined)
      await answer?.body?.cancel()
      return answer?.status === 200 ? true : undefined
    },
    { deadlineMs: 60_000, everyMs: 250 },
  )
}
