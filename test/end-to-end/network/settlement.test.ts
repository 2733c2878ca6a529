import { randomId } from 'medledger-chaincode/api'
import { beforeAll, describe, expect, test } from 'vitest'
import { newDocument, newPatient, organisation, type TestPatient } from '../../support/clinic.ts'
import { codeOf, openNetwork, type Answer, type Network } from '../../support/network.ts'
import { poll } from '../../support/poll.ts'

let network: Network
let patient: TestPatient
let document: string

beforeAll(async () => {
  network = await openNetwork()
  patient = await newPatient(network)
  document = await newDocument(network, patient.handle, 'north')
  await patient.grant({ type: 'permit', actor: [organisation('south')] })
})

const read = (key: string): Promise<Answer> =>
  network.ask('dr.chen', `/fhir/Bundle/${document}`, { headers: { 'idempotency-key': key } })

describe('an idempotency key', () => {
  test('sent a hundred times at once makes one entry and one release', async () => {
    const before = new Set((await patient.log()).map(({ entry }) => entry))
    const key = randomId()
    const answers = await Promise.all(Array.from({ length: 100 }, () => read(key)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const [access] = new Set(answers.flatMap(({ entries }) => entries))
    const rows = await poll('the release on the ledger', async () => {
      const found = (await patient.log()).filter(({ entry }) => !before.has(entry))
      return found.some(({ kind }) => kind === 'release') ? found : undefined
    })
    expect(rows.filter(({ kind }) => kind === 'access').map(({ entry }) => entry)).toEqual([access])
    expect(rows.filter(({ kind }) => kind === 'release').map(({ of }) => of)).toEqual([access])
    const again = await read(key)
    expect([again.status, codeOf(again), again.entries]).toEqual([409, 'ALREADY_RELEASED', [access]])
  })
})

describe('a request whose outcome is unknown', () => {
  test('is settled within 30 s of the return of the ledger, and says so at its address', async () => {
    const asked = await network.without('orderer', () =>
      Promise.all(Array.from({ length: 5 }, () => read(randomId()))),
    )
    const unknown = asked.filter(({ status }) => status === 202)
    const refused = asked.filter(({ status }) => status === 503)
    expect(unknown.length + refused.length).toBe(asked.length)
    for (const { headers } of unknown) {
      const address = headers.get('location') ?? ''
      const state = await poll(
        `the outcome at ${address}`,
        async () => {
          const { body } = await network.ask('dr.chen', address)
          return body.state === 'unknown' ? undefined : (body.state as string)
        },
        { deadlineMs: 30_000 },
      )
      expect(['committed', 'cancelled']).toContain(state)
    }
  })
})
