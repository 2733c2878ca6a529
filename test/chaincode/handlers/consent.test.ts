import { describe, expect, test } from 'vitest'
import { limits, randomId } from 'medledger-chaincode/api'
import {
  access,
  actorOf,
  consentOf,
  defaultPolicyOf,
  doctorActor,
  grant,
  read,
  readEntry,
  registerDocuments,
  registrationOf,
  revoke,
} from '../../support/ledger-samples.ts'
import { commit } from '../../support/ledger-stub.ts'
import { demoWorld, people, type World } from '../../support/ledger-world.ts'

const patient = people.maria.handle
const refusal = (code: string): object => ({ code })

type Consents = Awaited<ReturnType<typeof listConsents>>
async function listConsents(world: World) {
  const reader = await world.as('maria')
  const entry = await read(world, reader, 'maria', 'Consent')
  const first = await world.evaluate('ListConsents', { custodian: 'north', entry }, reader)
  const found = [...first.consents]
  let after = first.next
  while (after !== undefined) {
    const page = await world.evaluate('ListConsents', { custodian: 'north', entry, after }, reader)
    expect(page.consents[0]?.version).toBeGreaterThan(after)
    found.push(...page.consents)
    after = page.next
  }
  return found
}
const inForce = (consents: Consents): string[] =>
  consents.filter(({ active }) => active).map(({ consent }) => consent)

describe('a patient grants', () => {
  test('and an entry says so', async () => {
    const world = await demoWorld()
    const consent = randomId()
    const fields = { custodian: 'north', patient, consent, directive: consentOf() }
    const entry = await world.submit('GrantConsent', fields, await world.as('maria', { through: 'south' }))
    expect(await readEntry(world, entry, 'south', { book: 'consent' })).toMatchObject({
      entry,
      kind: 'consent',
      change: 'grant',
      consent,
      custodian: 'north',
      patient,
      agent: { kind: 'patient', id: patient, organisation: 'authority', through: 'south' },
      outcome: 'permit',
      assurance: 'attested',
      inputs: { consentSet: 1, agent: 1, core: 2 },
    })
  })

  test('for one custodian and no other', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'south', 'maria')
    await grant(world, 'maria', consentOf(), { custodian: 'north' })
    expect((await access(world, 'dr.okafor', documents, { custodian: 'south' })).outcome).toBe('deny')
    await grant(world, 'maria', consentOf(), { custodian: 'south' })
    expect((await access(world, 'dr.okafor', documents, { custodian: 'south' })).outcome).toBe('permit')
  })

  test('to whom and until when she says', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'north', 'maria')
    const provision = { type: 'permit', actor: [doctorActor('dr.chen')], period: { end: '2026-01-15' } }
    await grant(world, 'maria', consentOf(provision))
    expect((await access(world, 'dr.okafor', documents)).outcome).toBe('deny')
    expect((await access(world, 'dr.chen', documents)).outcome).toBe('permit')
    world.now = Date.UTC(2026, 0, 16)
    expect((await access(world, 'dr.chen', documents)).outcome).toBe('deny')
  })

  test('nothing for somebody else', async () => {
    const world = await demoWorld()
    const fields = { custodian: 'north', patient: people.tomas.handle, consent: randomId() }
    const maria = await world.as('maria')
    const granted = world.submit('GrantConsent', { ...fields, directive: consentOf() }, maria)
    await expect(granted).rejects.toMatchObject(refusal('FORBIDDEN'))
    const consent = await grant(world, 'tomas', consentOf())
    const revoked = world.submit('RevokeConsent', { ...fields, consent }, maria)
    await expect(revoked).rejects.toMatchObject(refusal('FORBIDDEN'))
  })

  test.each([
    ['another patient', { reference: `Patient/${people.tomas.handle}` }],
    ['a patient by name', { display: 'Maria' }],
    ['nobody', null],
  ])('no resource about %s', async (_whom, named) => {
    const world = await demoWorld()
    const granted = grant(world, 'maria', consentOf({ type: 'permit' }, { patient: named }))
    await expect(granted).rejects.toMatchObject(refusal('INVALID_REQUEST'))
  })

  test('nothing that is only half understood', async () => {
    const world = await demoWorld()
    const granted = grant(world, 'maria', consentOf({ type: 'deny', securityLabel: [{ code: 'R' }] }))
    await expect(granted).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('Consent.provision.securityLabel') as string,
    })
  })

  test('nothing to or against an organisation that does not exist', async () => {
    const world = await demoWorld()
    const actor = [actorOf('Organization/south'), actorOf('Organization/west')]
    for (const type of ['permit', 'deny']) {
      const granted = grant(world, 'maria', consentOf({ type, actor }))
      await expect(granted).rejects.toMatchObject(refusal('INVALID_REQUEST'))
    }
    await expect(
      grant(world, 'maria', consentOf({ type: 'deny', actor: actor.slice(0, 1) })),
    ).resolves.toBeDefined()
  })

  test('no second directive under the same id', async () => {
    const world = await demoWorld()
    const consent = await grant(world, 'maria', consentOf())
    const again = grant(world, 'maria', consentOf({ type: 'deny' }), { consent })
    await expect(again).rejects.toMatchObject(refusal('CONFLICT'))
  })

  test('no directive that is too large', async () => {
    const world = await demoWorld()
    const performer = [{ display: 'x'.repeat(limits.directiveBytes) }]
    const granted = grant(world, 'maria', consentOf({ type: 'permit' }, { performer }))
    await expect(granted).rejects.toMatchObject(refusal('LIMIT_EXCEEDED'))
  })

  test('no more directives than a set may have, until she revokes one', async () => {
    const world = await demoWorld()
    const consents: string[] = []
    for (let count = 0; count < limits.activeDirectives; count += 1)
      consents.push(await grant(world, 'maria', consentOf()))
    const oneMore = grant(world, 'maria', consentOf({ type: 'deny' }))
    await expect(oneMore).rejects.toMatchObject(refusal('LIMIT_EXCEEDED'))
    await revoke(world, 'maria', consents[7] ?? '')
    await expect(grant(world, 'maria', consentOf({ type: 'deny' }))).resolves.toBeDefined()
  })

  test('no more bytes than a set may have', async () => {
    const world = await demoWorld()
    const codes = Array.from({ length: 300 }, (_, index) => ({
      coding: [{ system: 'http://loinc.org', code: `${index}-${'x'.repeat(40)}` }],
    }))
    const large = consentOf({ type: 'permit', code: codes })
    await grant(world, 'maria', large)
    await grant(world, 'maria', large)
    await expect(grant(world, 'maria', large)).rejects.toMatchObject(refusal('LIMIT_EXCEEDED'))
  })
})

describe('a patient revokes', () => {
  test('and the next access is denied', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'north', 'maria')
    const consent = await grant(world, 'maria', consentOf())
    await revoke(world, 'maria', consent)
    expect(await access(world, 'dr.chen', documents)).toMatchObject({
      outcome: 'deny',
      inputs: { consentSet: 2 },
      documents: [{ basis: 'default-policy', basedOn: [] }],
    })
  })

  test('what is not in force, and the set and its version stay as they are', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'north', 'maria')
    await grant(world, 'maria', consentOf())
    const south = await grant(world, 'maria', consentOf(), { custodian: 'south' })
    const tomas = await grant(world, 'tomas', consentOf())
    for (const consent of [randomId(), south, tomas]) {
      const fields = { custodian: 'north', patient, consent }
      const entry = await world.submit('RevokeConsent', fields, await world.as('maria'))
      expect(await readEntry(world, entry, 'authority', { book: 'consent' })).toMatchObject({
        change: 'revoke',
        consent,
        inputs: { consentSet: 1 },
      })
    }
    expect((await access(world, 'dr.chen', documents)).outcome).toBe('permit')
    const his = await registerDocuments(world, 'north', 'tomas')
    expect((await access(world, 'dr.chen', his)).outcome).toBe('permit')
  })

  test('before the grant arrives, and the grant is refused', async () => {
    const world = await demoWorld()
    const consent = randomId()
    await revoke(world, 'maria', consent)
    await expect(grant(world, 'maria', consentOf(), { consent })).rejects.toMatchObject(refusal('CONFLICT'))
    // Another patient's consent of the same id is hers alone.
    await expect(grant(world, 'tomas', consentOf(), { consent })).resolves.toBe(consent)
  })

  test('while the grant is being committed, and one of the two is invalidated', async () => {
    const world = await demoWorld()
    const fields = { custodian: 'north', patient, consent: randomId() }
    const maria = await world.as('maria')
    const late = await world.endorse('GrantConsent', { ...fields, directive: consentOf() }, maria)
    await world.submit('RevokeConsent', fields, maria)
    expect(commit(world.state, late)).toBe(false)
    const early = await world.endorse('RevokeConsent', { ...fields, consent: randomId() }, maria)
    await grant(world, 'maria', consentOf())
    expect(commit(world.state, early)).toBe(false)
  })

  test.each([
    ['a directive', consentOf()],
    ['a default policy', defaultPolicyOf('basic-normal')],
  ])('%s for good: the same cannot be granted again', async (_what, directive) => {
    const world = await demoWorld()
    const consent = await grant(world, 'maria', directive)
    await revoke(world, 'maria', consent)
    await revoke(world, 'maria', consent)
    await expect(grant(world, 'maria', directive, { consent })).rejects.toMatchObject(refusal('CONFLICT'))
  })
})

describe('a patient who grants all day', () => {
  const grantMany = async (
    world: World,
    directive: Record<string, unknown>,
    count: number,
  ): Promise<void> => {
    for (let index = 0; index < count; index += 1)
      await revoke(world, 'maria', await grant(world, 'maria', directive))
  }

  test('comes to an end of it, and can still deny and revoke; the next day she can grant', async () => {
    const world = await demoWorld()
    const first = await grant(world, 'maria', consentOf())
    await grantMany(world, consentOf(), limits.wideningGrantsPerDay - 1)
    const full = refusal('LIMIT_EXCEEDED')
    await expect(grant(world, 'maria', consentOf())).rejects.toMatchObject(full)
    await expect(grant(world, 'maria', defaultPolicyOf('basic-normal'))).rejects.toMatchObject(full)
    await grant(world, 'maria', consentOf({ type: 'deny' }))
    const exception = { type: 'permit', actor: [doctorActor('dr.chen')] }
    await grant(world, 'maria', consentOf({ type: 'deny', provision: [exception] }))
    await grant(world, 'maria', defaultPolicyOf('deny'))
    await revoke(world, 'maria', first)
    await grant(world, 'tomas', consentOf())
    world.now += 24 * 60 * 60 * 1000
    await grant(world, 'maria', consentOf())
    // A transaction that is dated back, as far as an endorser lets it, begins no day anew.
    world.now = Date.UTC(2026, 0, 16)
    await grantMany(world, consentOf(), limits.wideningGrantsPerDay - 1)
    world.now -= 1
    await expect(grant(world, 'maria', consentOf())).rejects.toMatchObject(full)
  }, 60_000)
})

describe('a patient chooses', () => {
  test('the default policy', async () => {
    const world = await demoWorld()
    const author = people['dr.okafor'].handle
    const documents = await registerDocuments(world, 'north', 'maria', [registrationOf('north', { author })])
    expect(await access(world, 'dr.okafor', documents)).toMatchObject({
      outcome: 'permit',
      documents: [{ basis: 'author' }],
      inputs: { defaultPolicy: 'deny' },
    })
    await grant(world, 'maria', defaultPolicyOf('deny'))
    expect(await access(world, 'dr.okafor', documents)).toMatchObject({
      outcome: 'deny',
      documents: [{ basis: 'default-policy' }],
      inputs: { defaultPolicy: 'deny' },
    })
  })

  test('and takes the choice back: the constitution’s applies again', async () => {
    const world = await demoWorld()
    const author = people['dr.okafor'].handle
    const documents = await registerDocuments(world, 'north', 'maria', [registrationOf('north', { author })])
    const superseded = await grant(world, 'maria', defaultPolicyOf('deny'))
    const consent = await grant(world, 'maria', defaultPolicyOf('deny'))
    await revoke(world, 'maria', superseded)
    expect((await access(world, 'dr.okafor', documents)).outcome).toBe('deny')
    await revoke(world, 'maria', consent)
    expect(await access(world, 'dr.okafor', documents)).toMatchObject({
      outcome: 'permit',
      inputs: { consentSet: 3, defaultPolicy: 'deny' },
    })
    expect(inForce(await listConsents(world))).toEqual([])
  })

  test('and a late repeat of an earlier choice does not undo a later one', async () => {
    const world = await demoWorld()
    const consent = await grant(world, 'maria', defaultPolicyOf('basic-normal'))
    await grant(world, 'maria', defaultPolicyOf('deny'))
    const again = grant(world, 'maria', defaultPolicyOf('basic-normal'), { consent })
    await expect(again).rejects.toMatchObject(refusal('CONFLICT'))
  })
})

describe('what became of a grant', () => {
  test('is in force until it is revoked, to who made it through the same gateway', async () => {
    const world = await demoWorld()
    const maria = await world.as('maria')
    const fields = { custodian: 'north', patient, consent: randomId() }
    const entry = await world.submit('GrantConsent', { ...fields, directive: consentOf() }, maria)
    const ask = async (entryOf: string, by = maria): Promise<unknown> =>
      world.evaluate('ReadGrant', { custodian: 'north', entry: entryOf }, by)
    expect(await ask(entry)).toEqual({ active: true })
    const revoked = await world.submit('RevokeConsent', fields, maria)
    expect(await ask(entry)).toEqual({ active: false })
    const looked = await read(world, maria, 'maria', 'Consent')
    for (const other of [revoked, looked, randomId()])
      await expect(ask(other)).rejects.toMatchObject(refusal('NOT_FOUND'))
    await expect(ask(entry, await world.as('tomas'))).rejects.toMatchObject(refusal('NOT_FOUND'))
  })
})

describe('a patient lists what she has granted', () => {
  test('with what is in force', async () => {
    const world = await demoWorld()
    const first = await grant(world, 'maria', consentOf())
    const second = await grant(world, 'maria', consentOf({ type: 'deny' }))
    await revoke(world, 'maria', first)
    const consents = await listConsents(world)
    expect(consents.map(({ consent, version, active }) => [consent, version, active])).toEqual([
      [first, 1, false],
      [second, 2, true],
    ])
  })

  test('of her choices of default policy the last is in force', async () => {
    const world = await demoWorld()
    await grant(world, 'maria', defaultPolicyOf('deny'))
    const directive = await grant(world, 'maria', consentOf())
    const last = await grant(world, 'maria', defaultPolicyOf('basic-normal'))
    expect(inForce(await listConsents(world))).toEqual([directive, last])
  })

  test('all of them, a page at a time, and an early one that is still in force', async () => {
    const world = await demoWorld()
    const early = await grant(world, 'maria', consentOf())
    let last = ''
    for (let count = 0; count <= limits.consentsPerPage; count += 1) {
      last = await grant(world, 'maria', defaultPolicyOf('deny'))
    }
    const consents = await listConsents(world)
    expect(consents).toHaveLength(limits.consentsPerPage + 2)
    expect(inForce(consents)).toEqual([early, last])
  })

  test('from the grants alone: what older versions of the set hold is not read', async () => {
    const world = await demoWorld()
    const consent = await grant(world, 'maria', consentOf())
    const values = world.state.get('consent-north')
    for (const key of values?.keys() ?? []) if (key.startsWith('consent-version/')) values?.delete(key)
    expect(inForce(await listConsents(world))).toEqual([consent])
  })

  test('without the narrative and attachments', async () => {
    const world = await demoWorld()
    const more = {
      text: { status: 'generated', div: '<div>Maria</div>' },
      sourceAttachment: { title: 'Maria' },
      dateTime: '2026-01-01',
    }
    await grant(world, 'maria', consentOf({ type: 'permit' }, more))
    const [record] = await listConsents(world)
    expect(record?.directive).toEqual(consentOf({ type: 'permit' }, { dateTime: '2026-01-01' }))
  })

  test('and sees none of another patient’s', async () => {
    const world = await demoWorld()
    await grant(world, 'tomas', consentOf())
    expect(await listConsents(world)).toEqual([])
  })
})
