import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { quantile, seeded } from '../bench/statistics.ts'
import { newDocument, newPatient } from '../support/clinic.ts'
import { startInstance, type RunningInstance } from '../support/instance.ts'
import { addressOf, openNetwork, type Network } from '../support/network.ts'
import { testPort } from '../support/ports.ts'

let network: Network
let instance: RunningInstance
beforeAll(async () => {
  const data = await mkdtemp(join(tmpdir(), 'medledger-timing-'))
  instance = await startInstance(data, ['--port', String(testPort(300))])
  network = await openNetwork(addressOf(data))
})
afterAll(async () => {
  await instance.interrupt()
  await rm(instance.data, { recursive: true, force: true })
})

const random = seeded(20_261_124)

/** The chance that a value of the one list is above a value of the other (Mann–Whitney, U / nm); ties count half. */
function above(one: readonly number[], other: readonly number[]): number {
  let wins = 0
  for (const value of one) for (const than of other) wins += value > than ? 1 : value === than ? 0.5 : 0
  return wins / (one.length * other.length)
}

const resamples = 500

/** {@link above} with its 99 % interval by the percentile bootstrap. */
function separation(
  one: readonly number[],
  other: readonly number[],
): Record<'auc' | 'low' | 'high', number> {
  const draw = (values: readonly number[]): number[] =>
    values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN)
  const drawn = Array.from({ length: resamples }, () => above(draw(one), draw(other)))
  return { auc: above(one, other), low: quantile(drawn, 0.005), high: quantile(drawn, 0.995) }
}

const rounds = Number(process.env.MEDLEDGER_TIMING_ROUNDS ?? 300)
/** How far from a coin's toss an attacker's guess may be: beyond it, one answer in a few would tell. */
const tolerated = 0.15

type Make = () => string

/** Asks in random order, round by round, so that whatever slows the machine slows all alike. */
async function timesOf(ways: Readonly<Record<string, Make>>): Promise<Map<string, number[]>> {
  const token = await network.token('dr.chen')
  const times = new Map(Object.keys(ways).map((name) => [name, [] as number[]]))
  let current = token
  for (let round = -10; round < rounds; round += 1) {
    if (round % 50 === 0) current = await network.token('dr.chen')
    const order = Object.entries(ways)
      .map((way) => ({ way, at: random() }))
      .sort((one, other) => one.at - other.at)
    for (const {
      way: [name, make],
    } of order) {
      const begin = performance.now()
      const { entries } = await network.ask('dr.chen', make(), { token: current })
      const took = performance.now() - begin
      expect(entries.length).toBeGreaterThan(0)
      // The first rounds warm up.
      if (round >= 0) times.get(name)?.push(took)
    }
  }
  return times
}

function report(title: string, times: ReadonlyMap<string, readonly number[]>): number[] {
  const lines = [...times].map(
    ([name, values]) =>
      `  ${name.padEnd(12)} p50 ${quantile(values, 0.5).toFixed(1)} ms, p95 ${quantile(values, 0.95).toFixed(1)} ms`,
  )
  const names = [...times.keys()]
  const pairs = names.flatMap((one, index) => names.slice(index + 1).map((other) => [one, other] as const))
  const beyond: number[] = []
  for (const [one, other] of pairs) {
    const { auc, low, high } = separation(times.get(one) ?? [], times.get(other) ?? [])
    lines.push(
      `  ${one} above ${other}: AUC ${auc.toFixed(3)} (99 %: ${low.toFixed(3)} to ${high.toFixed(3)})`,
    )
    beyond.push(Math.max(low - 0.5, 0.5 - high))
  }
  process.stdout.write(`${title}, ${rounds} of each, interleaved\n${lines.join('\n')}\n`)
  return beyond
}

test('how long a refusal takes does not tell a restricted document from an absent or unknown one', async () => {
  const patient = await newPatient(network)
  const revoked = await newPatient(network)
  const document = await newDocument(network, patient.handle, 'north', { text: 'x'.repeat(50_000) })
  const other = await newDocument(network, revoked.handle, 'north')
  const { body } = await revoked.grant({ type: 'permit' })
  await revoked.revoke(body.id)
  const parted = await newPatient(network)
  const partly = await newDocument(network, parted.handle, 'north', {
    bundle: {
      resourceType: 'Bundle',
      type: 'document',
      entry: [{ resource: { resourceType: 'Observation' } }],
    },
  })
  await parted.grant({ type: 'permit' })
  const type = { system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }
  await parted.grant({ type: 'deny', class: [type] })
  const times = await timesOf({
    restricted: () => `/fhir/Bundle/${document}`,
    'in part': () => `/fhir/Bundle/${partly}`,
    revoked: () => `/fhir/Bundle/${other}`,
    unknown: () => `/fhir/Bundle/north-${randomId()}`,
  })
  for (const beyond of report('GET /fhir/Bundle/:id', times)) expect(beyond).toBeLessThan(tolerated)
})

test('how long a search takes does not tell a patient with documents that are hidden from one without', async () => {
  const full = await newPatient(network)
  const empty = await newPatient(network)
  for (let count = 0; count < 20; count += 1) await newDocument(network, full.handle, 'north')
  const times = await timesOf({
    restricted: () => `/fhir/DocumentReference?patient=${full.handle}`,
    absent: () => `/fhir/DocumentReference?patient=${empty.handle}`,
    unknown: () => `/fhir/DocumentReference?patient=${randomId()}`,
  })
  for (const beyond of report('GET /fhir/DocumentReference', times)) expect(beyond).toBeLessThan(tolerated)
})
