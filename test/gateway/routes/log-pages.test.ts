import type { AuditEvent, Bundle } from 'fhir/r4.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { entryExtension, type LogRow } from '../../../gateway/src/fhir/audit-event.ts'
import { outageOf } from '../../support/gateway-ledger.ts'
import {
  depositAt,
  depositOf,
  grantAt,
  testNetwork,
  type TestNetwork,
} from '../../support/gateway-network.ts'
import { doctorActor } from '../../support/ledger-samples.ts'
import { people, type User } from '../../support/ledger-world.ts'

type Answer = Awaited<ReturnType<TestNetwork['send']>>

let network: TestNetwork
const first = `/fhir/AuditEvent?patient=${people.maria.handle}`
const get = (url: string, user: User = 'maria'): Promise<Answer> => network.send(user, { url })
const bundleOf = (answer: Answer): Bundle<AuditEvent> => answer.json<Bundle<AuditEvent>>()
const nextOf = (answer: Answer): string | undefined =>
  bundleOf(answer).link?.find(({ relation }) => relation === 'next')?.url
const rowsOf = (answer: Answer): LogRow[] =>
  (bundleOf(answer).entry ?? [])
    .flatMap(({ resource }) => resource?.extension ?? [])
    .filter(({ url }) => url === entryExtension)
    .map(({ valueString = '{}' }) => JSON.parse(valueString) as LogRow)
const readings = (): number =>
  network.ledger.calls.filter(({ name, mode }) => name === 'RecordReading' && mode === 'submit').length

/** Follows the links to the end. */
async function follow(url: string, between: () => void = () => {}): Promise<Answer[]> {
  const pages: Answer[] = []
  for (let next: string | undefined = url; next !== undefined; next = nextOf(pages.at(-1) as Answer)) {
    if (pages.length > 0) between()
    pages.push(await get(next))
  }
  return pages
}

beforeEach(async () => {
  network = await testNetwork()
  const [north = ''] = await depositAt(network, 'north', 'maria', [depositOf('one')])
  const [south = ''] = await depositAt(network, 'south', 'maria', [depositOf('two')])
  await grantAt(network, 'maria', { type: 'permit', actor: [doctorActor('dr.chen')] })
  for (const document of [north, south, north]) {
    network.world.now += 100
    await get(`/fhir/Bundle/${document}`, 'dr.chen')
  }
  network.world.now += 100
  for (const name of ['north', 'south'] as const) await network.gateways[name].records.settle()
  network.world.now += 100
})

describe('the log of a patient, page by page', () => {
  test('has every entry once, and is the same look: it is recorded once', async () => {
    const before = readings()
    const pages = await follow(`${first}&_count=2`)
    expect(readings() - before).toBe(2)
    const entries = pages.flatMap(rowsOf)
    expect(pages.map((page) => rowsOf(page).length)).toEqual([2, 2, 2, 2, 2])
    expect(new Set(entries.map(({ custodian, entry }) => `${custodian}/${entry}`)).size).toBe(10)
    expect(new Set(pages.map(({ headers }) => headers['x-medledger-entry'])).size).toBe(1)
    expect(pages.every((page) => bundleOf(page).total === undefined)).toBe(true)
    const whole = await get(first)
    expect([bundleOf(whole).total, nextOf(whole)]).toEqual([12, undefined])
    expect(rowsOf(whole).map(({ entry }) => entry)).toEqual(
      expect.arrayContaining(entries.map(({ entry }) => entry)),
    )
  })

  test('follows the time from page to page, and the chain within each', async () => {
    const pages = (await follow(`${first}&_count=3`)).map(rowsOf)
    const times = pages.flat().map(({ at }) => at)
    expect(times).toEqual(times.toSorted())
    for (const page of pages) {
      const blocks = page.map(({ block }) => block)
      expect(blocks).toEqual(blocks.toSorted((one, other) => one - other))
    }
  })

  test('says that an access was delivered also where its release is on another page', async () => {
    const pages = (await follow(`${first}&_count=1`)).map(rowsOf)
    const accesses = pages.flat().filter(({ kind }) => kind === 'access')
    expect(accesses.map(({ delivered }) => delivered)).toEqual([true, true, true])
  })

  test('asks the ledger for no more than a page of each collection', async () => {
    const { client } = network.gateways.authority.services
    const evaluate = client.evaluate.bind(client)
    const asked: unknown[] = []
    Object.assign(client, {
      evaluate: async (...[name, fields, options]: Parameters<typeof evaluate>): Promise<unknown> => {
        const answer = await evaluate(name, fields, options)
        asked.push('entries' in answer && answer.entries.length <= 1)
        return answer
      },
    })
    await get(`${first}&_count=1`)
    expect(asked).toEqual([true, true, true, true])
  })

  test('is on record anew when the next page is asked for later', async () => {
    const before = readings()
    const pages = await follow(`${first}&_count=5`, () => (network.world.now += 45_000))
    expect(pages.map(({ statusCode }) => statusCode)).toEqual(pages.map(() => 200))
    expect(readings() - before).toBe(2 * pages.length)
    const entries = pages.flatMap(rowsOf).map(({ custodian, entry }) => `${custodian}/${entry}`)
    expect(new Set(entries).size).toBe(entries.length)
    expect(entries.length).toBeGreaterThanOrEqual(10)
  })

  test('goes on only for whom it began, about the same patient, and with what the gateway has given', async () => {
    const next = nextOf(await get(`${first}&_count=2`)) ?? ''
    const before = network.ledger.blocks.length
    const [start, signature = ''] = next.split('.')
    const forged = [
      `${start}.${signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))}`,
      `${start}`,
      `${start}A.${signature}`,
      next.replace(people.maria.handle, people.tomas.handle),
      `${first}&page=x`,
    ]
    for (const url of forged) expect((await get(url)).statusCode).toBe(400)
    for (const user of ['auditor.lee', 'tomas'] as const) expect((await get(next, user)).statusCode).toBe(400)
    const through = await network.send('maria', { url: next, through: 'south' })
    expect(through.statusCode).toBe(400)
    expect(network.ledger.blocks.length).toBe(before)
    expect((await get(next)).statusCode).toBe(200)
  })

  test.each(['0', '501', '1000', '-1', '1.5', 'x', ''])('has no pages of %j', async (count) => {
    expect((await get(`${first}&_count=${count}`)).statusCode).toBe(400)
  })

  test('names a custodian that does not answer, and lacks it from that page on', async () => {
    const one = await get(`${first}&_count=2`)
    network.ledger.fault = outageOf(({ name, custodian }) => name === 'ListEntries' && custodian === 'south')
    const two = await get(nextOf(one) ?? '')
    network.ledger.fault = () => undefined
    const rest = await follow(nextOf(two) ?? '')
    for (const page of [two, ...rest]) {
      expect(page.body).toContain('south: ')
      expect(rowsOf(page).every(({ custodian }) => custodian === 'north')).toBe(true)
    }
    expect(one.body).not.toContain('south: ')
    // Asked for again, the page is whole.
    expect((await get(nextOf(one) ?? '')).body).not.toContain('south: ')
  })
})
