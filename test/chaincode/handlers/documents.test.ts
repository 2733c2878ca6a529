import { describe, expect, test } from 'vitest'
import { limits, randomId, type FieldsOf } from 'medledger-chaincode/api'
import {
  access,
  consentOf,
  defaultPolicyOf,
  grant,
  read,
  registerDocuments,
  registrationOf,
} from '../../support/ledger-samples.ts'
import { demoWorld, people, type User, type World } from '../../support/ledger-world.ts'

const invalid = { code: 'INVALID_REQUEST' }
const conflict = { code: 'CONFLICT' }

describe('a custodian registers', () => {
  test.each([1, limits.documentsPerRequest])('%i documents at once', async (count) => {
    const world = await demoWorld()
    const registrations = Array.from({ length: count }, () => registrationOf('north'))
    const documents = await registerDocuments(world, 'north', 'maria', registrations)
    await grant(world, 'maria', consentOf())
    expect((await access(world, 'dr.chen', documents)).documents).toHaveLength(count)
  })

  test.each([0, limits.documentsPerRequest + 1])('not %i', async (count) => {
    const world = await demoWorld()
    const registrations = Array.from({ length: count }, () => registrationOf('north'))
    const registered = registerDocuments(world, 'north', 'maria', registrations)
    await expect(registered).rejects.toMatchObject(invalid)
  })

  test('no document twice in one request', async () => {
    const world = await demoWorld()
    const one = registrationOf('north')
    const registered = registerDocuments(world, 'north', 'maria', [one, { ...one, version: 2 }])
    await expect(registered).rejects.toMatchObject(invalid)
  })

  test('no document with another custodian’s id', async () => {
    const world = await demoWorld()
    const registered = registerDocuments(world, 'north', 'maria', [registrationOf('south')])
    await expect(registered).rejects.toMatchObject(invalid)
  })

  test('nothing for another organisation', async () => {
    const world = await demoWorld()
    const fields = { custodian: 'north', patient: people.maria.handle, documents: [registrationOf('north')] }
    const registered = world.submit('RegisterDocuments', fields, await world.as('records.south'))
    await expect(registered).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('versions one after the other, and an access is decided on the newest', async () => {
    const world = await demoWorld()
    const first = registrationOf('north')
    const second = { ...first, version: 2, digest: randomId() + randomId() }
    await registerDocuments(world, 'north', 'maria', [first])
    await registerDocuments(world, 'north', 'maria', [second])
    const entry = await access(world, 'maria', [first.document])
    expect(entry.documents).toMatchObject([{ version: 2, outcome: 'permit', basis: 'self' }])
  })

  test.each([
    ['that begins with the second', { version: 2 }, undefined],
    ['that leaves one out', { version: 3 }, { version: 1 }],
    ['that is there with other content', { digest: 'f'.repeat(64) }, { version: 1 }],
    ['that is there with another title', { title: 'Corrected' }, { version: 1 }],
    ['that has been replaced', { version: 1, digest: 'f'.repeat(64) }, { version: 2 }],
  ])('no version %s', async (_which, more, before) => {
    const world = await demoWorld()
    const first = registrationOf('north')
    for (let version = 1; version <= (before?.version ?? 0); version += 1)
      await registerDocuments(world, 'north', 'maria', [{ ...first, version }])
    const registered = registerDocuments(world, 'north', 'maria', [{ ...first, ...more }])
    await expect(registered).rejects.toMatchObject(conflict)
  })

  test('no document of one patient for another, nor the same registration', async () => {
    const world = await demoWorld()
    const first = registrationOf('north')
    await registerDocuments(world, 'north', 'maria', [first])
    for (const version of [1, 2]) {
      const registered = registerDocuments(world, 'north', 'tomas', [{ ...first, version }])
      await expect(registered).rejects.toMatchObject(conflict)
    }
  })

  test('the same document again without effect', async () => {
    const world = await demoWorld()
    const first = registrationOf('north', { title: 'Summary' })
    await registerDocuments(world, 'north', 'maria', [first])
    const before = world.state.get('consent-north')?.size ?? 0
    await registerDocuments(world, 'north', 'maria', [first])
    // One key more: the mark of the second request.
    expect(world.state.get('consent-north')?.size).toBe(before + 1)
  })

  test('all of a request or nothing', async () => {
    const world = await demoWorld()
    const good = registrationOf('north')
    const registered = registerDocuments(world, 'north', 'maria', [good, registrationOf('south')])
    await expect(registered).rejects.toMatchObject(invalid)
    expect((await access(world, 'maria', [good.document])).documents).toMatchObject([
      { version: null, basis: 'no-such-document' },
    ])
  })
})

describe('a search finds', () => {
  async function find(
    world: World,
    user: User,
    patient: User = 'maria',
    purpose: 'TREAT' | 'HRESCH' = 'TREAT',
  ) {
    const reader = await world.as(user)
    const entry = await read(world, reader, patient, 'DocumentReference', { purpose })
    const ids: string[] = []
    let after: FieldsOf<'ListDocuments'>['after']
    do {
      const fields = { custodian: 'north', entry, ...(after && { after }) }
      const page = await world.evaluate('ListDocuments', fields, reader)
      ids.push(...page.documents.map(({ document }) => document))
      after = page.next
    } while (after !== undefined)
    return ids.sort()
  }

  test('what an access would permit, and nothing of the rest', async () => {
    const world = await demoWorld()
    const imaging = { system: 'http://loinc.org', code: '18748-4' }
    const registrations = [registrationOf('north'), registrationOf('north', { type: imaging })]
    const documents = await registerDocuments(world, 'north', 'maria', registrations)
    const [summary = ''] = documents
    expect(await find(world, 'dr.chen')).toEqual([])
    await grant(world, 'maria', consentOf())
    expect(await find(world, 'dr.chen')).toEqual([...documents].sort())
    await grant(world, 'maria', consentOf({ type: 'deny', code: [{ coding: [imaging] }] }))
    expect(await find(world, 'dr.chen')).toEqual([summary])
    expect(await find(world, 'maria')).toEqual([...documents].sort())
  })

  test('every document of a patient who has more than a page of them', async () => {
    const world = await demoWorld()
    const many: string[] = []
    while (many.length <= limits.documentsPerPage) {
      const registrations = Array.from({ length: limits.documentsPerRequest }, () => registrationOf('north'))
      many.push(...(await registerDocuments(world, 'north', 'maria', registrations)))
    }
    expect(await find(world, 'maria')).toEqual(many.sort())
    expect(await find(world, 'dr.chen')).toEqual([])
  })

  test('for the purpose that was recorded', async () => {
    const world = await demoWorld()
    const purpose = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }]
    const documents = await registerDocuments(world, 'north', 'maria')
    await grant(world, 'maria', consentOf({ type: 'permit', purpose }))
    expect(await find(world, 'dr.chen', 'maria', 'TREAT')).toEqual(documents)
    expect(await find(world, 'dr.chen', 'maria', 'HRESCH')).toEqual([])
  })

  test('what the asker wrote, unless the patient chose otherwise', async () => {
    const world = await demoWorld()
    const own = registrationOf('north', { author: people['dr.okafor'].handle })
    await registerDocuments(world, 'north', 'maria', [own, registrationOf('north')])
    expect(await find(world, 'dr.okafor')).toEqual([own.document])
    expect(await find(world, 'dr.chen')).toEqual([])
    await grant(world, 'maria', defaultPolicyOf('deny'))
    expect(await find(world, 'dr.okafor')).toEqual([])
  })

  test('none of another patient', async () => {
    const world = await demoWorld()
    await registerDocuments(world, 'north', 'tomas')
    await grant(world, 'tomas', consentOf())
    expect(await find(world, 'dr.chen', 'maria')).toEqual([])
  })
})
