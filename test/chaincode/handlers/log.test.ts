import { describe, expect, test } from 'vitest'
import { limits, randomId, type FieldsOf } from 'medledger-chaincode/api'
import { access, consentOf, grant, read, readEntry, registerDocuments } from '../../support/ledger-samples.ts'
import { demoWorld, gatewayOf, people, type User, type World } from '../../support/ledger-world.ts'

const patient = people.maria.handle
const notFound = { code: 'NOT_FOUND' }
const forbidden = { code: 'FORBIDDEN' }
type ReadingOf = FieldsOf<'RecordReading'>['readingOf']

describe('a reading is recorded', () => {
  test.each([
    ['maria', 'DocumentReference', 'permit'],
    ['maria', 'Consent', 'permit'],
    ['maria', 'AuditEvent', 'permit'],
    ['tomas', 'DocumentReference', 'deny'],
    ['tomas', 'Consent', 'deny'],
    ['tomas', 'AuditEvent', 'deny'],
    ['dr.chen', 'DocumentReference', 'permit'],
    ['dr.chen', 'Consent', 'deny'],
    ['dr.chen', 'AuditEvent', 'deny'],
    ['auditor.lee', 'DocumentReference', 'deny'],
    ['auditor.lee', 'Consent', 'deny'],
    ['auditor.lee', 'AuditEvent', 'permit'],
  ] as const)('of %s, of Maria’s %s: %s', async (user, readingOf, outcome) => {
    const world = await demoWorld()
    const reader = await world.as(user)
    const entry = await read(world, reader, 'maria', readingOf)
    const book = readingOf === 'DocumentReference' ? 'access' : 'consent'
    expect(await readEntry(world, entry, reader.organisation, { book })).toMatchObject({
      kind: readingOf === 'AuditEvent' ? 'log' : 'search',
      readingOf,
      outcome,
      patient,
      purpose: 'TREAT',
      agent: { id: people[user].handle },
    })
  })

  test('for a purpose that the token allows', async () => {
    const world = await demoWorld()
    const reader = await world.as('dr.chen', { purposes: ['HRESCH'] })
    await expect(read(world, reader, 'maria', 'DocumentReference')).rejects.toMatchObject(forbidden)
  })
})

describe('a query of', () => {
  const queries = {
    DocumentReference: 'ListDocuments',
    Consent: 'ListConsents',
    AuditEvent: 'ListEntries',
  } as const
  const readings = Object.keys(queries) as ReadingOf[]

  /** Asks for Maria's data of one kind, naming an entry. */
  async function ask(world: World, user: User, readingOf: ReadingOf, entry: string, through?: string) {
    const reader = await world.as(user, through === undefined ? {} : { through })
    const book = readingOf === 'AuditEvent' ? { book: 'access' as const } : {}
    return world.evaluate(queries[readingOf], { custodian: 'north', entry, ...book }, reader)
  }
  const readerOf = (readingOf: ReadingOf): User => (readingOf === 'AuditEvent' ? 'auditor.lee' : 'maria')

  describe.each(readings)('%s', (readingOf) => {
    const other = readingOf === 'Consent' ? 'AuditEvent' : 'Consent'

    test('is answered to whom the reading was', async () => {
      const world = await demoWorld()
      const user = readerOf(readingOf)
      const entry = await read(world, await world.as(user), 'maria', readingOf)
      await expect(ask(world, user, readingOf, entry)).resolves.toBeDefined()
    })

    test('is refused without a reading', async () => {
      const world = await demoWorld()
      await expect(ask(world, 'maria', readingOf, randomId())).rejects.toMatchObject(notFound)
    })

    test('is refused with the reading of somebody else', async () => {
      const world = await demoWorld()
      const entry = await read(world, await world.as('maria'), 'maria', readingOf)
      await expect(ask(world, 'tomas', readingOf, entry)).rejects.toMatchObject(notFound)
    })

    test('is refused with a reading of something else', async () => {
      const world = await demoWorld()
      const entry = await read(world, await world.as('maria'), 'maria', other)
      await expect(ask(world, 'maria', readingOf, entry)).rejects.toMatchObject(notFound)
    })

    test('is refused with a reading at another custodian', async () => {
      const world = await demoWorld()
      const entry = await read(world, await world.as('maria'), 'maria', readingOf, { custodian: 'south' })
      await expect(ask(world, 'maria', readingOf, entry)).rejects.toMatchObject(notFound)
    })

    test('is refused through another gateway than the reading', async () => {
      const world = await demoWorld()
      const entry = await read(world, await world.as('maria'), 'maria', readingOf)
      await expect(ask(world, 'maria', readingOf, entry, 'north')).rejects.toMatchObject(notFound)
    })

    test('is refused with a reading that was denied', async () => {
      const world = await demoWorld()
      const entry = await read(world, await world.as('tomas'), 'maria', readingOf)
      await expect(ask(world, 'tomas', readingOf, entry)).rejects.toMatchObject(forbidden)
    })

    test('is refused with a reading that is stale', async () => {
      const world = await demoWorld()
      const entry = await read(world, await world.as('maria'), 'maria', readingOf)
      world.now += limits.freshnessMs
      await expect(ask(world, 'maria', readingOf, entry)).resolves.toBeDefined()
      world.now += 1
      await expect(ask(world, 'maria', readingOf, entry)).rejects.toMatchObject(forbidden)
    })

    test('is refused with an access instead of a reading', async () => {
      const world = await demoWorld()
      const [document = ''] = await registerDocuments(world, 'north', 'maria')
      const { entry } = await access(world, 'maria', [document])
      await expect(ask(world, 'maria', readingOf, entry)).rejects.toMatchObject(notFound)
    })
  })
})

describe('the log', () => {
  async function logOf(world: World, book: 'access' | 'consent', user: User = 'maria', limit?: number) {
    const reader = await world.as(user)
    const entry = await read(world, reader, 'maria', 'AuditEvent')
    const pages: string[][] = []
    const names = new Set<string | undefined>()
    const delivered: unknown[] = []
    let after: FieldsOf<'ListEntries'>['after']
    do {
      const paging = { ...(after && { after }), ...(limit !== undefined && { limit }) }
      const fields = { custodian: 'north', entry, book, ...paging }
      const page = await world.evaluate('ListEntries', fields, reader)
      pages.push(page.entries.map((found) => found.entry))
      for (const { agent } of page.entries) names.add(agent.name)
      delivered.push(...page.delivered)
      after = page.next
    } while (after !== undefined)
    return { pages, names, entry, delivered }
  }

  test('shows a patient everything about her, and names who acted', async () => {
    const world = await demoWorld()
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    const denied = await access(world, 'dr.chen', [document])
    await grant(world, 'maria', consentOf())
    const permitted = await access(world, 'dr.okafor', [document])
    const search = await read(world, await world.as('dr.chen'), 'maria', 'DocumentReference')
    const { pages, names } = await logOf(world, 'access')
    expect(pages.flat().sort()).toEqual([denied.entry, permitted.entry, search].sort())
    expect(names).toEqual(new Set(['dr.chen', 'dr.okafor']))
    const looks = await logOf(world, 'consent', 'auditor.lee')
    expect(looks.pages.flat()).toContain(looks.entry)
    expect(looks.pages.flat()).toHaveLength(3)
  })

  test('shows nothing about another patient', async () => {
    const world = await demoWorld()
    const [document = ''] = await registerDocuments(world, 'north', 'tomas')
    await access(world, 'dr.chen', [document])
    expect((await logOf(world, 'access')).pages).toEqual([[]])
  })

  test.each([
    ['one entry less than a page', limits.entriesPerPage - 1, [limits.entriesPerPage - 1]],
    ['a page', limits.entriesPerPage, [limits.entriesPerPage]],
    ['one entry more', limits.entriesPerPage + 1, [limits.entriesPerPage, 1]],
  ])('of %s has every entry once', { timeout: 60_000 }, async (_what, count, sizes) => {
    const world = await demoWorld()
    const gateways = [await world.as('dr.chen'), await world.as('dr.okafor')]
    const written: string[] = []
    for (let index = 0; index < count; index += 1) {
      const reader = gateways[index % 2] as (typeof gateways)[number]
      written.push(await read(world, reader, 'maria', 'DocumentReference'))
    }
    const { pages } = await logOf(world, 'access')
    expect(pages.map((page) => page.length)).toEqual(sizes)
    expect(pages.flat().sort()).toEqual(written.sort())
  })

  test('is in the order of transaction times, in pages as small as one asks for', async () => {
    const world = await demoWorld()
    const doctors = [await world.as('dr.okafor'), await world.as('dr.chen')]
    const written: string[] = []
    for (let index = 0; index < 7; index += 1) {
      world.now += 1
      const reader = doctors[index % 2] as (typeof doctors)[number]
      written.push(await read(world, reader, 'maria', 'DocumentReference'))
    }
    const { pages } = await logOf(world, 'access', 'maria', 3)
    expect(pages).toEqual([written.slice(0, 3), written.slice(3, 6), written.slice(6)])
  })

  test('says of which accesses something was released, wherever their releases stand', async () => {
    const world = await demoWorld()
    const documents = await registerDocuments(world, 'north', 'maria')
    await grant(world, 'maria', consentOf())
    const accesses: string[] = []
    for (const released of [documents, [], undefined]) {
      world.now += 1
      const { entry } = await access(world, 'dr.chen', documents)
      accesses.push(entry)
      const fields = { custodian: 'north', through: 'south', access: entry }
      world.now += 1000
      if (released !== undefined)
        await world.submit('RecordRelease', { ...fields, documents: released }, gatewayOf('north'))
    }
    const { delivered } = await logOf(world, 'access', 'maria', 1)
    expect(delivered).toEqual([{ through: 'south', entry: accesses[0] }])
  })
})

describe('a release', () => {
  async function permitted() {
    const world = await demoWorld()
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    await grant(world, 'maria', consentOf())
    const unknown = `north-${randomId()}`
    const { entry } = await access(world, 'dr.chen', [document, unknown])
    const release = (documents: string[], organisation = 'north', through = 'south') => {
      const fields = { custodian: 'north', through, access: entry, documents }
      return world.submit('RecordRelease', fields, gatewayOf(organisation))
    }
    return { world, document, unknown, entry, release }
  }

  test('is recorded by the custodian', async () => {
    const { world, document, entry, release } = await permitted()
    const recorded = await readEntry(world, await release([document]), 'north')
    expect(recorded).toMatchObject({
      kind: 'release',
      of: entry,
      ofThrough: 'south',
      patient,
      outcome: 'permit',
      documents: [{ document, version: 1, outcome: 'permit' }],
      agent: { kind: 'gateway', organisation: 'north' },
    })
  })

  test('of nothing is recorded as well', async () => {
    const { world, release } = await permitted()
    const recorded = await readEntry(world, await release([]), 'north')
    expect(recorded).toMatchObject({ kind: 'release', outcome: 'deny', documents: [] })
  })

  test('says what the custodian held back, and by which consents', async () => {
    const { world, document, unknown, entry } = await permitted()
    const basedOn = [randomId()]
    const hold = (withheld: { document: string; basedOn: string[] }[], documents: string[] = []) => {
      const fields = { custodian: 'north', through: 'south', access: entry, documents, withheld }
      return world.submit('RecordRelease', fields, gatewayOf('north'))
    }
    const recorded = await readEntry(world, await hold([{ document, basedOn }]), 'north')
    expect(recorded).toMatchObject({
      kind: 'release',
      outcome: 'deny',
      documents: [{ document, version: 1, outcome: 'deny', basis: 'denied-in-part', basedOn }],
    })
    const invalid = { code: 'INVALID_REQUEST' }
    await expect(hold([{ document: unknown, basedOn }])).rejects.toMatchObject(invalid)
    await expect(hold([{ document, basedOn }], [document])).rejects.toMatchObject(invalid)
  })

  test('is not recorded by anybody else', async () => {
    const { document, release } = await permitted()
    await expect(release([document], 'south')).rejects.toMatchObject(forbidden)
    await expect(release([document], 'authority')).rejects.toMatchObject(forbidden)
  })

  test('is not recorded of what was denied or not asked for', async () => {
    const { unknown, document, release } = await permitted()
    const invalid = { code: 'INVALID_REQUEST' }
    await expect(release([unknown])).rejects.toMatchObject(invalid)
    await expect(release([document, `north-${randomId()}`])).rejects.toMatchObject(invalid)
  })

  test('is not recorded of an access through another gateway, or of what is no access', async () => {
    const { world, document, release } = await permitted()
    await expect(release([document], 'north', 'authority')).rejects.toMatchObject(notFound)
    const search = await read(world, await world.as('dr.chen'), 'maria', 'DocumentReference')
    const fields = { custodian: 'north', through: 'south', access: search, documents: [] }
    const released = world.submit('RecordRelease', fields, gatewayOf('north'))
    await expect(released).rejects.toMatchObject(notFound)
  })
})
