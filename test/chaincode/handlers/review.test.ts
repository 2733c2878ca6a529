import { describe, expect, test } from 'vitest'
import { randomId, type DocumentParts } from 'medledger-chaincode/api'
import {
  access,
  consentOf,
  grant,
  registerDocuments,
  registrationOf,
  revoke,
} from '../../support/ledger-samples.ts'
import { demoWorld, gatewayOf, issuerNameOf, operatorOf, people } from '../../support/ledger-world.ts'

const forbidden = { code: 'FORBIDDEN' }

describe('a custodian reviews an access', () => {
  async function permitted() {
    const world = await demoWorld()
    const { document, digest } = registrationOf('north')
    const documents = [document]
    await registerDocuments(world, 'north', 'maria', [registrationOf('north', { document, digest })])
    const consent = await grant(world, 'maria', consentOf())
    const entry = await access(world, 'dr.chen', documents)
    const fields = { custodian: 'north', through: 'south', entry: entry.entry }
    const review = (organisation = 'north', parts?: DocumentParts[]) =>
      world.evaluate('ReviewAccess', { ...fields, ...(parts && { parts }) }, gatewayOf(organisation))
    return { world, consent, entry, review, documents, digest }
  }

  test('and finds it as it was', async () => {
    const { entry, review, documents, digest } = await permitted()
    expect(await review()).toEqual({
      entry,
      now: entry.documents,
      hasDenies: false,
      registered: true,
      digests: { [documents[0] ?? '']: digest },
    })
  })

  test('and after a revocation the decision is to deny', async () => {
    const { world, consent, entry, review } = await permitted()
    await revoke(world, 'maria', consent)
    const { now, entry: recorded } = await review()
    expect(recorded).toEqual(entry)
    expect(now).toMatchObject([{ outcome: 'deny', basis: 'default-policy' }])
  })

  test('and sees a new version, so that the old content is not released', async () => {
    const { world, entry, review, documents } = await permitted()
    const next = registrationOf('north', { document: documents[0] ?? '', version: 2 })
    await registerDocuments(world, 'north', 'maria', [next])
    const { now, digests } = await review()
    expect(digests).toEqual({ [next.document]: next.digest })
    expect(now).not.toEqual(entry.documents)
    expect(now).toMatchObject([{ outcome: 'permit', version: 2 }])
  })

  test('and has decided what is inside a document: one denied part denies all of it, by a basis of its own', async () => {
    const { world, entry, review, documents } = await permitted()
    const [document = ''] = documents
    const deny = await grant(
      world,
      'maria',
      consentOf({
        type: 'deny',
        class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
      }),
    )
    const part = (type: string) => ({ type, confidentiality: 3 })
    const seen = async (...types: string[]) =>
      (await review('north', [{ document, parts: types.map(part) }])).now
    expect(await review()).toMatchObject({ hasDenies: true, now: entry.documents })
    expect(await seen('Condition')).toEqual(entry.documents)
    expect(await seen('Condition', 'Observation')).toEqual([
      { document, version: 1, outcome: 'deny', basis: 'denied-in-part', basedOn: [deny] },
    ])
    await revoke(world, 'maria', deny)
    expect(await seen('Observation')).toEqual(entry.documents)
  })

  test('and learns no more of what is inside a document that is denied as a whole', async () => {
    const { world, review, documents } = await permitted()
    const deny = await grant(world, 'maria', consentOf({ type: 'deny' }))
    const parts = [{ document: documents[0] ?? '', parts: [{ type: 'Observation', confidentiality: 3 }] }]
    const { now } = await review('north', parts)
    expect(now).toMatchObject([{ outcome: 'deny', basis: 'consent', basedOn: [deny] }])
    const unknown = { ...parts[0], document: `north-${randomId()}` } as DocumentParts
    expect((await review('north', [unknown])).now).toEqual(now)
  })

  test('and sees that a directive has expired since', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'north', 'maria')
    await grant(world, 'maria', consentOf({ type: 'permit', period: { end: '2026-01-15T12:00:00Z' } }))
    const { entry, outcome } = await access(world, 'dr.chen', documents)
    expect(outcome).toBe('permit')
    world.now += 1000
    const fields = { custodian: 'north', through: 'south', entry }
    const { now } = await world.evaluate('ReviewAccess', fields, gatewayOf('north'))
    expect(now).toMatchObject([{ outcome: 'deny' }])
  })

  test('and sees that the asker is no longer registered, or in another role', async () => {
    const { world, review } = await permitted()
    const { handle: person } = people['dr.chen']
    await world.submit('DeactivatePerson', { person }, operatorOf('south'))
    expect(await review()).toMatchObject({ registered: false })
    const issuer = issuerNameOf('south')
    const fields = { person, issuer, subject: 'dr.chen', name: 'Chen', role: 'custodian' } as const
    await world.submit('RegisterPerson', fields, operatorOf('south'))
    expect(await review()).toMatchObject({ registered: false })
  })

  test('and sees that nobody has registered the patient', async () => {
    const world = await demoWorld()
    const author = people['dr.okafor'].handle
    const document = registrationOf('north', { author })
    const fields = { custodian: 'north', patient: randomId(), documents: [document] }
    await world.submit('RegisterDocuments', fields, await world.as('records.north'))
    const { entry } = await access(world, 'dr.okafor', [document.document])
    const asked = { custodian: 'north', through: 'north', entry }
    const review = await world.evaluate('ReviewAccess', asked, gatewayOf('north'))
    expect(review).toMatchObject({ registered: false })
  })

  test('and nobody else does', async () => {
    const { review } = await permitted()
    for (const organisation of ['south', 'authority'])
      await expect(review(organisation)).rejects.toMatchObject(forbidden)
  })

  test('but no other entry, and none through another gateway', async () => {
    const { world, entry } = await permitted()
    const reviewed = (through: string, id: string) =>
      world.evaluate('ReviewAccess', { custodian: 'north', through, entry: id }, gatewayOf('north'))
    const notFound = { code: 'NOT_FOUND' }
    await expect(reviewed('authority', entry.entry)).rejects.toMatchObject(notFound)
    await expect(reviewed('south', randomId())).rejects.toMatchObject(notFound)
    const cancel = { custodian: 'north', book: 'access', cancels: randomId() } as const
    const cancelled = await world.submit('CancelRequest', cancel, gatewayOf('south'))
    await expect(reviewed('south', cancelled)).rejects.toMatchObject(notFound)
    await expect(reviewed('south', cancel.cancels)).rejects.toMatchObject(notFound)
  })
})
