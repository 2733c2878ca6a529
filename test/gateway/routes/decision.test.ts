import { beforeEach, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { outageOf } from '../../support/gateway-ledger.ts'
import {
  depositAt,
  depositOf,
  grantAt,
  revokeAt,
  testNetwork,
  type TestNetwork,
} from '../../support/gateway-network.ts'
import { actorOf, consentOf, doctorActor } from '../../support/ledger-samples.ts'
import { people, type User } from '../../support/ledger-world.ts'

let network: TestNetwork
let document: string

beforeEach(async () => {
  network = await testNetwork()
  ;[document = ''] = await depositAt(network, 'north', 'maria', [depositOf('report')])
})

/** Asks for the document and gives the entry that this leaves. */
async function ask(user: User): Promise<string> {
  const answer = await network.send(user, { url: `/fhir/Bundle/${document}` })
  return String(answer.headers['x-medledger-entry'])
}

const decisionAt = (entry: string, through = 'south', custodian = 'north'): string =>
  `/v1/decisions/${custodian}/${through}/${entry}`

interface Told {
  readonly sentences: readonly string[]
  readonly documents: readonly { readonly outcome: string; readonly sentences: readonly string[] }[]
}

describe('a decision', () => {
  test('is explained to its patient, with who asked and what for, and that is an entry', async () => {
    const consent = await grantAt(network, 'maria', { type: 'permit', actor: [doctorActor('dr.chen')] })
    const entry = await ask('dr.chen')
    await revokeAt(network, 'maria', consent)
    const answer = await network.send('maria', { url: decisionAt(entry) })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['x-medledger-entry']).toMatch(/^[0-9a-f]{32}$/)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toMatchObject({
      custodian: 'north',
      through: 'south',
      entry,
      asker: { id: people['dr.chen'].handle, organisation: 'south', role: 'doctor' },
      purpose: 'TREAT',
      outcome: 'permit',
      decidedAgain: 'same',
      documents: [{ document, basis: 'consent', basedOn: [consent] }],
    })
    expect(answer.json<Told>().documents[0]?.sentences[0]).toContain('your permission for dr.chen')
    const refused = await network.send('maria', { url: decisionAt(await ask('dr.okafor'), 'north') })
    expect(refused.json()).toMatchObject({ outcome: 'deny', documents: [{ basis: 'default-policy' }] })
  })

  test('is one notice for a doctor, whatever she asks about, and leaves no entry', async () => {
    const entry = await ask('dr.chen')
    const urls = [
      decisionAt(entry),
      decisionAt(randomId()),
      decisionAt(entry, 'north'),
      decisionAt(entry, 'x9', 'x9'),
    ]
    const blocks = network.ledger.blocks.length
    const answers = await Promise.all(urls.map((url) => network.send('dr.chen', { url })))
    for (const answer of answers) {
      expect([answer.statusCode, answer.body]).toEqual([200, answers[0]?.body])
      expect(Object.keys(answer.json<object>())).toEqual(['notice'])
      expect(answer.headers).not.toHaveProperty('x-medledger-entry')
    }
    expect(network.ledger.blocks).toHaveLength(blocks)
  })

  test('is none for another patient, and for one that does not exist', async () => {
    const entry = await ask('dr.chen')
    const theirs = await network.send('tomas', { url: decisionAt(entry) })
    const none = await network.send('tomas', { url: decisionAt(randomId()) })
    expect([theirs.statusCode, none.statusCode]).toEqual([404, 404])
    const said = [theirs, none].map((answer) => answer.json<Record<string, unknown>>())
    const [one, other] = said.map(({ instance: _id, ...problem }) => problem)
    expect(one).toEqual(other)
  })

  test('is nothing for an auditor or an operator', async () => {
    const entry = await ask('dr.chen')
    for (const user of ['auditor.lee', 'operator.north', 'records.north'] as const)
      expect((await network.send(user, { url: decisionAt(entry) })).statusCode).toBe(403)
  })

  test('of a custodian that there is not is a bad request', async () => {
    expect((await network.send('maria', { url: decisionAt(randomId(), 'south', 'west') })).statusCode).toBe(
      400,
    )
    expect((await network.send('maria', { url: decisionAt('x') })).statusCode).toBe(400)
  })

  test('that is asked for again with the same key is one look', async () => {
    const entry = await ask('dr.chen')
    const headers = { 'idempotency-key': 'look-1' }
    const first = await network.send('maria', { url: decisionAt(entry), headers })
    const again = await network.send('maria', { url: decisionAt(entry), headers })
    expect(again.headers['x-medledger-entry']).toBe(first.headers['x-medledger-entry'])
    expect(again.json()).toEqual(first.json())
  })
})

describe('a simulation', () => {
  interface At extends Told {
    readonly custodian: string
    readonly outcome?: string
    readonly error?: string
  }
  const simulate = async (body: object, user: User = 'maria', headers = {}) =>
    network.send(user, {
      url: '/v1/decisions/simulate',
      method: 'POST',
      body: { who: { practitioner: people['dr.chen'].handle }, purpose: 'TREAT', ...body },
      headers,
    })
  const outcomesOf = async (body: object): Promise<unknown[]> =>
    (await simulate(body))
      .json<{ custodians: At[] }>()
      .custodians.map(({ custodian, outcome, documents }) => [
        custodian,
        outcome,
        ...documents.map((one) => one.outcome),
      ])

  test('says, custodian by custodian, what would be decided, and changes nothing', async () => {
    await depositAt(network, 'south', 'maria', [depositOf('other')])
    // At her own hospital she may read what she wrote, of which there is nothing.
    const atSouth = ['south', 'permit', 'deny']
    const silent = [['north', 'deny', 'deny'], atSouth]
    expect(await outcomesOf({})).toEqual(silent)
    const consent = {
      ...consentOf({ type: 'permit', actor: [doctorActor('dr.chen')] }),
      organization: [{ reference: 'Organization/north' }],
    }
    expect(await outcomesOf({ consent })).toEqual([['north', 'permit', 'permit'], atSouth])
    const answer = await simulate({ consent })
    const { considered, custodians } = answer.json<{
      considered: string
      custodians: { documents: object[] }[]
    }>()
    expect(custodians[0]?.documents[0]).toMatchObject({ basedOn: [considered] })
    expect(String(answer.headers['x-medledger-entry']).split(', ')).toHaveLength(2)
    expect(await outcomesOf({})).toEqual(silent)
  })

  test('takes a Consent of R5, and one that replaces another', async () => {
    const category = consentOf()['category']
    const r5 = { resourceType: 'Consent', status: 'active', category, decision: 'permit' }
    const controller = [{ reference: 'Organization/south' }]
    expect(await outcomesOf({ consent: { ...r5, controller } })).toEqual([
      ['north', 'deny', 'deny'],
      ['south', 'permit'],
    ])
    const deny = await grantAt(network, 'maria', { type: 'deny' })
    expect((await outcomesOf({ consent: r5 }))[0]).toEqual(['north', 'deny', 'deny'])
    const extension = [{ url: 'urn:medledger:supersedes', valueReference: { reference: `Consent/${deny}` } }]
    const ours = { url: 'urn:medledger:placement', extension: [{ url: 'custodian', valueString: 'north' }] }
    const consent = { ...consentOf(), extension: [...extension, ours] }
    expect((await outcomesOf({ consent }))[0]).toEqual(['north', 'permit', 'permit'])
  })

  test('leaves out what she considers to revoke, and looks ahead', async () => {
    const period = { end: '2026-03-31' }
    const granted = await grantAt(network, 'maria', {
      type: 'permit',
      actor: [actorOf('Organization/south')],
      period,
    })
    expect((await outcomesOf({}))[0]).toEqual(['north', 'permit', 'permit'])
    expect((await outcomesOf({ without: [granted] }))[0]).toEqual(['north', 'deny', 'deny'])
    expect((await outcomesOf({ at: '2026-04-01T00:00:00Z' }))[0]).toEqual(['north', 'deny', 'deny'])
    expect((await outcomesOf({ who: { organisation: 'south' } }))[0]).toEqual(['north', 'permit', 'permit'])
    expect((await outcomesOf({ who: { role: 'doctor' } }))[0]).toEqual(['north', 'deny', 'deny'])
  })

  test.each([
    [{ who: {} }, 400],
    [{ who: { role: 'auditor' } }, 400],
    [{ who: { role: 'doctor', organisation: 'south' } }, 400],
    [{ who: { organisation: 'west' } }, 400],
    [{ who: { practitioner: 'f'.repeat(32) } }, 404],
    [{ purpose: 'FUN' }, 400],
    [{ at: 'tomorrow' }, 400],
    [{ without: ['x'] }, 400],
    [{ consent: { resourceType: 'Patient' } }, 400],
    [{ consent: { ...consentOf({ type: 'perhaps' }) } }, 400],
    [{ consent: { ...consentOf(), patient: { reference: `Patient/${people.tomas.handle}` } } }, 400],
    [{ consent: { ...consentOf(), organization: [{ reference: 'Organization/authority' }] } }, 400],
    [{ more: true }, 400],
  ])('of %j is answered %i', async (body, status) => {
    expect((await simulate(body)).statusCode).toBe(status)
  })

  test('is for patients alone', async () => {
    for (const user of ['dr.chen', 'auditor.lee', 'operator.north', 'records.north'] as const)
      expect((await simulate({}, user)).statusCode).toBe(403)
  })

  test('names a custodian that does not answer, and answers for the others', async () => {
    network.ledger.fault = outageOf(({ custodian }) => custodian === 'south')
    const { custodians } = (await simulate({})).json<{ custodians: At[] }>()
    expect(custodians).toMatchObject([
      { custodian: 'north', outcome: 'deny' },
      { custodian: 'south', error: 'LEDGER_UNAVAILABLE' },
    ])
  })

  test('that is sent again with the same key is one look, and names the considered Consent alike', async () => {
    const headers = { 'idempotency-key': 'what-if' }
    const first = await simulate({ consent: consentOf() }, 'maria', headers)
    const again = await simulate({ consent: consentOf() }, 'maria', headers)
    expect(again.headers['x-medledger-entry']).toBe(first.headers['x-medledger-entry'])
    expect(again.json()).toEqual(first.json())
    expect((await simulate({}, 'maria', headers)).statusCode).toBe(422)
  })
})
