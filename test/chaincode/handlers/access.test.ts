import { describe, expect, test } from 'vitest'
import { limits, randomId, type Entry } from 'medledger-chaincode/api'
import {
  access,
  accessTo,
  consentOf,
  grant,
  readEntry,
  recipient,
  registerDocuments,
  registrationOf,
  revoke,
} from '../../support/ledger-samples.ts'
import {
  demoWorld,
  gatewayOf,
  issuerNameOf,
  operatorOf,
  people,
  type World,
} from '../../support/ledger-world.ts'

const invalid = { code: 'INVALID_REQUEST' }
const forbidden = { code: 'FORBIDDEN' }
const unknown = (): string => `north-${randomId()}`

describe('an access', () => {
  test('that is permitted leaves an entry with all that decided', async () => {
    const world = await demoWorld()
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const consent = await grant(world, 'maria', consentOf())
    const entry = await access(world, 'dr.chen', [document], { purpose: 'ETREAT' })
    const { handle } = people['dr.chen']
    expect(entry).toEqual({
      entry: entry.entry,
      kind: 'access',
      transactionId: entry.transactionId,
      at: '2026-01-15T12:00:00.000Z',
      custodian: 'north',
      patient: people.maria.handle,
      agent: {
        kind: 'person',
        id: handle,
        role: 'doctor',
        organisation: 'south',
        through: 'south',
        name: 'dr.chen',
      },
      purpose: 'ETREAT',
      outcome: 'permit',
      documents: [{ document, version: 1, outcome: 'permit', basis: 'consent', basedOn: [consent] }],
      recipient,
      inputs: {
        consentSet: 1,
        agent: 1,
        defaultPolicy: 'deny',
        core: 2,
        codeTables: 1,
        constitution: entry.inputs?.constitution,
      },
      assurance: 'attested',
      origin: 'online',
    })
  })

  test('that is denied is committed, and not an error', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'north', 'maria')
    const entry = await access(world, 'dr.chen', documents)
    expect(entry).toMatchObject({ outcome: 'deny', patient: people.maria.handle })
    expect(entry.documents).toMatchObject([{ outcome: 'deny', basis: 'default-policy' }])
  })

  test('is decided document by document', async () => {
    const world = await demoWorld()
    const imaging = { system: 'http://loinc.org', code: '18748-4' }
    const registrations = [registrationOf('north', { type: imaging }), registrationOf('north')]
    const documents = await registerDocuments(world, 'north', 'maria', registrations)
    await grant(world, 'maria', consentOf())
    await grant(world, 'maria', consentOf({ type: 'deny', code: [{ coding: [imaging] }] }))
    const entry = await access(world, 'dr.chen', [...documents, unknown()])
    expect(entry.documents.map(({ outcome, basis }) => `${outcome} ${basis}`)).toEqual([
      'deny consent',
      'permit consent',
      'deny no-such-document',
    ])
    expect(entry.outcome).toBe('permit')
  })

  test('to one’s own documents is permitted through any gateway, whatever was denied', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'north', 'maria')
    await grant(world, 'maria', consentOf({ type: 'deny' }))
    expect((await access(world, 'maria', documents)).documents).toMatchObject([{ basis: 'self' }])
    const abroad = await world.as('maria', { through: 'south' })
    const entry = await world.submit('RequestAccess', accessTo(documents), abroad)
    expect(await readEntry(world, entry, 'south')).toMatchObject({ outcome: 'permit' })
    expect((await access(world, 'tomas', documents)).outcome).toBe('deny')
  })

  test('answers alike whether permitted, denied or about nothing', async () => {
    const world = await demoWorld()
    const mine = await registerDocuments(world, 'north', 'tomas')
    const restricted = await registerDocuments(world, 'north', 'maria')
    await grant(world, 'tomas', consentOf())
    const doctor = await world.as('dr.chen')
    const shapes: unknown[] = []
    for (const documents of [mine, restricted, [unknown()]]) {
      const identity = { request: randomId(), salt: randomId() }
      const { response, writes } = await world.endorse('RequestAccess', accessTo(documents), doctor, identity)
      expect(response).toEqual({ entry: identity.request })
      shapes.push(writes.map(({ collection, key }) => [collection, key.split('/')[0]]))
    }
    expect(shapes[1]).toEqual(shapes[0])
    expect(shapes[2]).toEqual(shapes[0])
  })

  test('reads as much for a document that does not exist as for one that does', async () => {
    const world = await demoWorld()
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const doctor = await world.as('dr.chen')
    const readsFor = async (id: string): Promise<string[]> => {
      const { reads } = await world.endorse('RequestAccess', accessTo([id]), doctor)
      return reads.map(({ collection, key }) => `${collection} ${key.split('/')[0]}`)
    }
    expect(await readsFor(unknown())).toEqual(await readsFor(document))
  })

  test.each([
    ['none', []],
    ['51', Array.from({ length: limits.documentsPerRequest + 1 }, unknown)],
    ['the same twice', ['north-'.padEnd(38, 'a'), 'north-'.padEnd(38, 'a')]],
    ['one of another custodian', [unknown(), `south-${randomId()}`]],
    ['one without an id', ['north-1']],
  ])('to %s is malformed', async (_what, documents) => {
    const world = await demoWorld()
    const asked = world.submit('RequestAccess', accessTo(documents), await world.as('dr.chen'))
    await expect(asked).rejects.toMatchObject(invalid)
  })

  test('to 50 documents is not', async () => {
    const world = await demoWorld()
    const documents = Array.from({ length: limits.documentsPerRequest }, unknown)
    expect((await access(world, 'dr.chen', documents)).documents).toHaveLength(50)
  })

  describe('to documents of several patients', () => {
    const letter = { system: 'http://loinc.org', code: '34133-9' }
    const imaging = { system: 'http://loinc.org', code: '18748-4' }
    const mayRead = consentOf({ type: 'permit', code: [{ coding: [letter] }] })

    /** Maria lets letters be read, Tomas says nothing; each has a letter and an image at North. */
    async function hospital() {
      const world = await demoWorld()
      const registrations = () => [letter, imaging].map((type) => registrationOf('north', { type }))
      const [hers = '', herImage = ''] = await registerDocuments(world, 'north', 'maria', registrations())
      const [his = ''] = await registerDocuments(world, 'north', 'tomas', registrations())
      await grant(world, 'maria', mayRead)
      return { world, hers, herImage, his }
    }
    const orders = (ids: readonly string[]): string[][] =>
      ids.length < 2
        ? [[...ids]]
        : ids.flatMap((id) => orders(ids.filter((other) => other !== id)).map((rest) => [id, ...rest]))

    test('what the asker may not see is denied as if it were not there, in every order', async () => {
      const { world, hers, herImage, his } = await hospital()
      for (const ids of orders([hers, herImage, his])) {
        const entry = await access(world, 'dr.chen', ids)
        expect(entry).toMatchObject({
          patient: people.maria.handle,
          outcome: 'permit',
          inputs: { consentSet: 1 },
        })
        const absent = unknown()
        const without = await access(
          world,
          'dr.chen',
          ids.map((id) => (id === his ? absent : id)),
        )
        const seen = ({ documents }: Entry): unknown[] =>
          documents.map(({ document, basis, ...rest }) =>
            document === his || document === absent ? rest : { document, basis, ...rest },
          )
        expect(seen(entry)).toEqual(seen(without))
        expect(entry.documents.find(({ document }) => document === his)).toMatchObject({
          basis: 'several-patients',
          version: null,
        })
      }
    })

    test('where she may see none, all are denied, on record with the first that exists', async () => {
      const { world, herImage, his } = await hospital()
      const orders = [
        [[unknown(), his, herImage], 'tomas'],
        [[herImage, his], 'maria'],
      ] as const
      for (const [ids, first] of orders)
        expect(await access(world, 'dr.chen', ids)).toMatchObject({
          patient: people[first].handle,
          outcome: 'deny',
        })
    })

    test('where she may see both, those of the first patient are permitted', async () => {
      const { world, hers, his } = await hospital()
      await grant(world, 'tomas', mayRead)
      const permitted = async (ids: readonly string[]): Promise<string[]> =>
        (await access(world, 'dr.chen', ids)).documents
          .filter(({ outcome }) => outcome === 'permit')
          .map(({ document }) => document)
      expect(await permitted([hers, his])).toEqual([hers])
      expect(await permitted([unknown(), his, hers])).toEqual([his])
    })

    test('one’s own are permitted beside a stranger’s, and are so at the custodian’s second look', async () => {
      const { world, hers, his } = await hospital()
      for (const ids of [
        [hers, his],
        [his, hers],
      ]) {
        const entry = await access(world, 'maria', ids)
        const fields = { custodian: 'north', through: 'authority', entry: entry.entry }
        const { now } = await world.evaluate('ReviewAccess', fields, gatewayOf('north'))
        expect(now).toEqual(entry.documents)
        expect(now.find(({ outcome }) => outcome === 'permit')?.document).toBe(hers)
      }
    })

    test('reads as much, whosever they are and whether they exist', async () => {
      const { world, hers, herImage, his } = await hospital()
      const doctor = await world.as('dr.chen')
      const readsFor = async (ids: readonly string[]): Promise<string[]> => {
        const { reads } = await world.endorse('RequestAccess', accessTo(ids), doctor)
        return reads.map(({ collection, key }) => `${collection} ${key.split('/')[0]}`)
      }
      const expected = await readsFor([hers, herImage])
      for (const other of [his, unknown()]) {
        expect(await readsFor([hers, other])).toEqual(expected)
        expect(await readsFor([other, hers])).toEqual(expected)
      }
    })

    test('a race with a change of any of their consents is lost', async () => {
      const { world, hers, his } = await hospital()
      const racing = await world.endorse('RequestAccess', accessTo([hers, his]), await world.as('dr.chen'))
      await grant(world, 'tomas', consentOf({ type: 'deny' }))
      expect(racing.commit()).toBe(false)
      expect((await access(world, 'dr.chen', [hers, his])).outcome).toBe('permit')
    })
  })

  test.each([
    ['no point of the curve', { ...recipient, x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['written in two ways', { ...recipient, x: `${recipient.x.slice(0, -1)}Z` }],
  ])('for a key that is %s is malformed', async (_what, key) => {
    const world = await demoWorld()
    const asked = access(world, 'dr.chen', [unknown()], { recipient: key })
    await expect(asked).rejects.toMatchObject(invalid)
  })

  test('at a custodian without a placement is malformed', async () => {
    const world = await demoWorld()
    const asked = access(world, 'dr.chen', [`authority-${randomId()}`], { custodian: 'authority' })
    await expect(asked).rejects.toMatchObject(invalid)
  })

  test('is for a purpose that the token allows', async () => {
    const world = await demoWorld()
    const doctor = await world.as('dr.chen', { purposes: ['HRESCH', 'TREAT'] })
    const ask = (purpose: 'TREAT' | 'BTG'): Promise<string> =>
      world.submit('RequestAccess', accessTo([unknown()], { purpose }), doctor)
    await expect(ask('TREAT')).resolves.toBeDefined()
    await expect(ask('BTG')).rejects.toMatchObject(forbidden)
  })
})

describe('a revocation', () => {
  test('kills every access that was decided before it: the access has read the consent set', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'north', 'maria')
    const consent = await grant(world, 'maria', consentOf())
    const racing = await world.endorse('RequestAccess', accessTo(documents), await world.as('dr.chen'))
    const read = racing.reads.filter(({ key }) => key.startsWith('consent-set/'))
    expect(read).toEqual([{ collection: 'consent-north', key: expect.any(String) as string, version: 1 }])
    await revoke(world, 'maria', consent)
    expect(racing.commit()).toBe(false)
  })

  test('as does the first deny of a patient who had no directive', async () => {
    const world = await demoWorld()
    const author = people['dr.okafor'].handle
    const documents = await registerDocuments(world, 'north', 'maria', [registrationOf('north', { author })])
    const racing = await world.endorse('RequestAccess', accessTo(documents), await world.as('dr.okafor'))
    await grant(world, 'maria', consentOf({ type: 'deny' }))
    expect(racing.commit()).toBe(false)
  })

  test('of a signing key, a person or a version of a document does the same', async () => {
    const world = await demoWorld()
    const first = registrationOf('north')
    await registerDocuments(world, 'north', 'maria', [first])
    await grant(world, 'maria', consentOf())
    const doctor = await world.as('dr.okafor')
    const race = () => world.endorse('RequestAccess', accessTo([first.document]), doctor)
    const beforeVersion = await race()
    await registerDocuments(world, 'north', 'maria', [{ ...first, version: 2 }])
    expect(beforeVersion.commit()).toBe(false)
    const issuer = issuerNameOf('north')
    const [beforeKey, beforePerson] = [await race(), await race()]
    await world.submit('DeactivatePerson', { person: people['dr.okafor'].handle }, operatorOf('north'))
    expect(beforePerson.commit()).toBe(false)
    await world.submit('RevokeIssuerKey', { issuer, kid: 'north-1' }, operatorOf('north'))
    expect(beforeKey.commit()).toBe(false)
  })
})

describe('a gateway learns of a request', () => {
  const at = '2026-01-15T12:00:00.000Z'
  const stateOf = (world: World, entry: string, organisation: string) =>
    world.evaluate('ReadRequest', { custodian: 'north', book: 'access', entry }, gatewayOf(organisation))

  test('that it submitted: when and by whom, in the same words whatever was decided', async () => {
    const world = await demoWorld()
    const restricted = await registerDocuments(world, 'north', 'maria')
    const open = await registerDocuments(world, 'north', 'tomas')
    await grant(world, 'tomas', consentOf())
    for (const documents of [restricted, open, [unknown()], [...restricted, ...open]]) {
      const { entry, transactionId } = await access(world, 'dr.chen', documents)
      const agent = people['dr.chen'].handle
      const state = await stateOf(world, entry, 'south')
      expect(state).toEqual({ state: 'committed', transactionId, at, agent })
    }
  })

  test('that it cancelled, and not of another organisation’s, be it the custodian', async () => {
    const world = await demoWorld()
    const notFound = { code: 'NOT_FOUND' }
    const { entry } = await access(world, 'dr.chen', [unknown()])
    for (const organisation of ['north', 'authority'])
      await expect(stateOf(world, entry, organisation)).rejects.toMatchObject(notFound)
    const cancel = { custodian: 'north', book: 'access', cancels: randomId() } as const
    const cancellation = await world.submit('CancelRequest', cancel, gatewayOf('south'))
    const { transactionId } = await stateOf(world, cancellation, 'south')
    expect(await stateOf(world, cancellation, 'south')).toEqual({ state: 'committed', transactionId, at })
    const cancelled = { state: 'cancelled', transactionId, at }
    expect(await stateOf(world, cancel.cancels, 'south')).toEqual(cancelled)
    await expect(stateOf(world, cancel.cancels, 'north')).rejects.toMatchObject(notFound)
  })

  test('that leaves no entry, all the same', async () => {
    const world = await demoWorld()
    const request = randomId()
    const retry = { request, salt: randomId() }
    const fields = { custodian: 'north', patient: people.maria.handle, documents: [registrationOf('north')] }
    await world.submit('RegisterDocuments', fields, await world.as('records.north'), retry)
    const named = { custodian: 'north', book: 'consent', entry: request } as const
    expect(await world.evaluate('ReadRequest', named, gatewayOf('north'))).toMatchObject({
      state: 'committed',
      at,
    })
  })
})
