import * as fc from 'fast-check'
import { randomId, type FieldsOf } from 'medledger-chaincode/api'
import { afterEach, describe, expect, test } from 'vitest'
import { openProjection, type Projection } from '../../../gateway/src/store/index.ts'
import { dialects, emptyOn } from '../../support/dialects.ts'
import {
  access,
  consentOf,
  grant,
  read,
  registerDocuments,
  registrationOf,
  revoke,
} from '../../support/ledger-samples.ts'
import {
  demoConstitution,
  demoWorld,
  gatewayOf,
  people,
  type User,
  type World,
} from '../../support/ledger-world.ts'
import { projectedWorld, type ProjectedWorld } from '../../support/projected-world.ts'

type ReadingOf = FieldsOf<'RecordReading'>['readingOf']
type ListName = 'ListDocuments' | 'ListConsents' | 'ListEntries'

const queries = {
  DocumentReference: 'ListDocuments',
  Consent: 'ListConsents',
  AuditEvent: 'ListEntries',
} as const satisfies Record<ReadingOf, ListName>
const kinds = Object.keys(queries) as ReadingOf[]
const users = ['maria', 'tomas', 'dr.okafor', 'dr.chen', 'auditor.lee', 'operator.authority'] as const

const organisationNamed = (name: string, constitution = demoConstitution) => {
  const found = constitution.organisations.find((organisation) => organisation.name === name)
  if (found === undefined) throw new RangeError(name)
  return found
}

interface Recorded {
  readonly user: User
  readonly entry: string
  readonly kind: ReadingOf
  readonly custodian: string
}

/** Asks both for every page of a list; every page must be the same. Answers with what they answered. */
async function pages(
  world: World,
  projected: ProjectedWorld,
  user: User,
  asked: {
    readonly name: ListName
    readonly fields: FieldsOf<'ListEntries'> | FieldsOf<'ListConsents'>
    readonly through: string
  },
): Promise<string[]> {
  const answers: string[] = []
  let after: unknown
  do {
    const fields = { ...asked.fields, ...(after !== undefined && { after }) } as never
    const reader = await world.as(user, { through: asked.through })
    const [peer, own] = await projected.both(asked.name, fields, reader)
    expect(own).toBe(peer)
    answers.push(own)
    after = own.startsWith('{') ? (JSON.parse(own) as { next?: unknown }).next : undefined
  } while (after !== undefined)
  return answers
}

let database: Projection
afterEach(() => database.destroy())

describe.each(dialects)('the projection on $name', (dialect) => {
  const begin = async (own: string, world?: World): Promise<[World, ProjectedWorld]> => {
    database = await openProjection(await emptyOn(dialect))
    const opened = world ?? (await demoWorld())
    return [opened, await projectedWorld(opened, database, organisationNamed(own, opened.constitution))]
  }

  test('answers as the chaincode does, whoever asks for what, with whatever entry', async () => {
    const patient = fc.constantFrom('maria', 'tomas')
    const custodian = fc.constantFrom('north', 'south')
    const doctor = fc.constantFrom('dr.okafor', 'dr.chen')
    const step = fc.oneof(
      fc.record({ do: fc.constant('grant'), patient, custodian, type: fc.constantFrom('permit', 'deny') }),
      fc.record({ do: fc.constant('revoke') }),
      fc.record({ do: fc.constant('register'), patient, custodian, count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ do: fc.constant('access'), doctor }),
      fc.record({
        do: fc.constant('read'),
        user: fc.constantFrom(...users),
        patient,
        custodian,
        kind: fc.constantFrom(...kinds),
      }),
    )
    const run = async (steps: readonly Step[], limit: number, own: string): Promise<void> => {
      const [world, projected] = await begin(own)
      const story = beginStory(world)
      for (const next of steps) {
        await story.take(next)
        await projected.sync()
      }
      await story.readAll(own)
      await projected.sync()
      for (const { entry, custodian } of [...story.recorded, ...story.strangers])
        for (const user of users.filter((name) => mayUse(name, own)))
          for (const kind of kinds) {
            const common = { custodian, entry }
            const name = queries[kind]
            const fields = name === 'ListEntries' ? { ...common, book: 'access' as const, limit } : common
            await pages(world, projected, user, { name, fields, through: own })
            if (name === 'ListEntries')
              await pages(world, projected, user, {
                name,
                fields: { ...common, book: 'consent', limit },
                through: own,
              })
          }
      expect(new Set(projected.sources)).toEqual(new Set(['projection']))
      await database.destroy()
    }
    type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('north', 'south', 'authority'),
        run,
      ),
      { numRuns: 6 },
    )
  })

  test('answers patient, doctor and auditor, page by page, and refuses whom the chaincode refuses', async () => {
    const [world, projected] = await begin('north')
    await grant(world, 'maria', consentOf())
    for (let batch = 0; batch < 11; batch += 1) {
      const registrations = Array.from({ length: 50 }, () => registrationOf('north'))
      const documents = await registerDocuments(world, 'north', 'maria', registrations)
      await access(world, 'dr.okafor', documents)
    }
    const readers = [
      ['maria', 'DocumentReference'],
      ['maria', 'Consent'],
      ['maria', 'AuditEvent'],
      ['dr.okafor', 'DocumentReference'],
      ['auditor.lee', 'AuditEvent'],
    ] as const
    const entries = new Map<string, string>()
    for (const [user, kind] of readers)
      entries.set(
        `${user} ${kind}`,
        await read(world, await world.as(user, { through: 'north' }), 'maria', kind),
      )
    for (let more = 0; more < 130; more += 1)
      await read(world, await world.as('maria', { through: 'north' }), 'maria', 'DocumentReference')
    await projected.sync()
    const listed = (
      user: User,
      kind: ReadingOf,
      entry = entries.get(`${user} ${kind}`) ?? '',
    ): Promise<string[]> => {
      const fields = { custodian: 'north', entry, ...(kind === 'AuditEvent' && { book: 'access' as const }) }
      return pages(world, projected, user, { name: queries[kind], fields, through: 'north' })
    }
    const counts = async (user: User, kind: ReadingOf, list: string): Promise<unknown[]> =>
      (await listed(user, kind)).map((page) => (JSON.parse(page) as Record<string, unknown[]>)[list]?.length)
    for (const user of ['maria', 'dr.okafor'] as const)
      expect(await counts(user, 'DocumentReference', 'documents')).toEqual([500, 50])
    expect(await counts('maria', 'Consent', 'consents')).toEqual([1])
    // Eleven accesses, and as many looks as there were.
    for (const user of ['maria', 'auditor.lee'] as const)
      expect(await counts(user, 'AuditEvent', 'entries')).toEqual([11 + 2 + 130])
    const marias = entries.get('maria DocumentReference')
    expect(await listed('tomas', 'DocumentReference', marias)).toEqual([
      expect.stringMatching(/^NOT_FOUND: /),
    ])
    expect(await listed('auditor.lee', 'DocumentReference', marias)).toEqual([
      expect.stringMatching(/^FORBIDDEN: /),
    ])
    world.now += 61_000
    expect(await listed('maria', 'DocumentReference')).toEqual([
      expect.stringMatching(/^FORBIDDEN: This reading/),
    ])
    expect(new Set(projected.sources)).toEqual(new Set(['projection']))
  })
})

const [sqlite] = dialects

describe('the projection', () => {
  const began = async (own = 'authority', constitution = demoConstitution) => {
    if (sqlite === undefined) throw new Error('there is no dialect')
    database = await openProjection(await emptyOn(sqlite))
    const world = await demoWorld(constitution)
    const projected = await projectedWorld(world, database, organisationNamed(own))
    const reader = await world.as('maria', { through: own })
    const entry = await read(world, reader, 'maria', 'Consent')
    const ask = async (): Promise<string> => {
      const [peer, answer] = await projected.both('ListConsents', { custodian: 'north', entry }, reader)
      expect(answer).toBe(peer)
      return projected.sources.at(-1) ?? 'nobody'
    }
    return { world, projected, ask, reader, entry }
  }

  test('answers what it has', async () => {
    const { projected, ask } = await began()
    await projected.sync()
    expect(await ask()).toBe('projection')
  })

  test('leaves every other query to the peers, and does not count it', async () => {
    const { projected, entry, reader } = await began()
    await projected.sync()
    const [peer, answer] = await projected.both('ReadPatient', { patient: people.maria.handle }, reader)
    expect(answer).toBe(peer)
    await projected.both('ReadGrant', { custodian: 'north', entry }, reader)
    expect(projected.sources).toEqual([])
  })

  test.each<[string, Partial<ProjectedWorld['told']>]>([
    ['it has stopped or is behind', { reaches: false }],
    ['it has been begun anew since it was waited for', { blocks: 7 }],
    ['the own peer is away', { connected: false }],
    ['the own organisation is not among those to ask', { asked: ['north', 'south'] }],
  ])('leaves lists to the peers when %s', async (_when, told) => {
    const { projected, ask } = await began()
    await projected.sync()
    Object.assign(projected.told, told)
    expect(await ask()).toBe('peer')
  })

  test('is waited for a moment when it is a little behind, and not when it is far behind', async () => {
    const { projected, ask } = await began()
    await projected.sync()
    await ask()
    projected.told.blocks = 100
    await ask()
    expect(projected.waits).toEqual([500, 0])
  })

  test('leaves lists to the peers while values of their collections are missing, and only those', async () => {
    const { projected, ask } = await began()
    await projected.sync((collection) => collection === 'consent-south')
    expect(await ask()).toBe('projection')
    await database.updateTable('missing_values').set({ collection: 'registry' }).execute()
    expect(await ask()).toBe('peer')
  })

  test('leaves lists to the peers where the own organisation is no member of the placement', async () => {
    const constitution = {
      ...demoConstitution,
      placements: demoConstitution.placements.map((placement) =>
        placement.custodian === 'north' ? { ...placement, members: ['north', 'south'] } : placement,
      ),
    }
    const { projected, ask } = await began('authority', constitution)
    await projected.sync()
    expect(await ask()).toBe('peer')
  })

  test('leaves lists to the peers when its database fails', async () => {
    const { projected, ask } = await began()
    await projected.sync()
    await database.schema.dropTable('private_values').execute()
    expect(await ask()).toBe('peer')
  })

  test('refuses a token as the chaincode does: of a revoked key, expired, or meant for another organisation', async () => {
    const { world, projected, entry } = await began()
    const other = { ...(await world.as('maria', { through: 'north' })), organisation: 'authority' }
    const good = await world.as('maria', { through: 'authority' })
    await projected.sync()
    const answers = async (submitter = good): Promise<string> => {
      const [peer, own] = await projected.both('ListConsents', { custodian: 'north', entry }, submitter)
      expect(own).toBe(peer)
      return own
    }
    expect(await answers()).toMatch(/^\{/)
    expect(await answers(other)).toMatch(/^INVALID_TOKEN: /)
    expect(await answers(gatewayOf('authority'))).toMatch(/^FORBIDDEN: /)
    const issuer = world.issuers.get('authority')
    await world.submit(
      'RevokeIssuerKey',
      { issuer: issuer?.issuer ?? '', kid: issuer?.kid ?? '' },
      { organisation: 'authority', attribute: 'operator' },
    )
    await projected.sync()
    expect(await answers()).toMatch(/^INVALID_TOKEN: /)
    expect(projected.sources).not.toContain('peer')
  })
})

const mayUse = (user: User, own: string): boolean =>
  ['patient', 'auditor'].includes(people[user].role) || people[user].organisation === own

/** What people do, one step after another; a step that is refused is one, too. */
function beginStory(world: World) {
  const documents: string[] = []
  const consents: { patient: User; consent: string; custodian: string }[] = []
  const recorded: Recorded[] = []
  const record = async (user: User, patient: User, custodian: string, kind: ReadingOf, through?: string) => {
    const reader = await world.as(user, through === undefined ? {} : { through })
    const entry = await read(world, reader, patient, kind, { custodian }).catch(() => undefined)
    if (entry !== undefined) recorded.push({ user, entry, kind, custodian })
  }
  const steps = {
    async grant({ patient, custodian, type }: { patient: User; custodian: string; type: string }) {
      const consent = await grant(world, patient, consentOf({ type }), { custodian })
      consents.push({ patient, consent, custodian })
    },
    async revoke() {
      const last = consents.pop()
      if (last !== undefined) await revoke(world, last.patient, last.consent, last.custodian)
    },
    async register({
      patient,
      custodian,
      count,
    }: {
      patient: User
      custodian: 'north' | 'south'
      count: number
    }) {
      const registrations = Array.from({ length: count }, () => registrationOf(custodian))
      documents.push(...(await registerDocuments(world, custodian, patient, registrations)))
    },
    async access({ doctor }: { doctor: User }) {
      const found = documents.filter((id) => id.startsWith('north-')).slice(-2)
      if (found.length > 0) await access(world, doctor, found)
    },
    read: ({
      user,
      patient,
      custodian,
      kind,
    }: {
      user: User
      patient: User
      custodian: string
      kind: ReadingOf
    }) => record(user, patient, custodian, kind),
  }
  return {
    recorded,
    /** An entry that is no reading, and one that is none at all. */
    strangers: [{ entry: randomId(), custodian: 'north' }],
    take: (step: { readonly do: string }): Promise<void> =>
      (steps[step.do as keyof typeof steps] as (step: object) => Promise<void>)(step),
    /** Each who may, of one patient, so that there is something to ask for. */
    async readAll(own: string) {
      for (const [user, kind] of [
        ['maria', 'DocumentReference'],
        ['maria', 'Consent'],
        ['auditor.lee', 'AuditEvent'],
        ['dr.okafor', 'DocumentReference'],
        ['dr.chen', 'DocumentReference'],
      ] as const)
        if (mayUse(user, own)) await record(user, 'maria', 'north', kind, own)
    },
  }
}
