import { describe, expect, test } from 'vitest'
import { randomId, type Difference, type Entry, type ReplayAnswer } from 'medledger-chaincode/api'
import {
  access,
  accessTo,
  consentOf,
  defaultPolicyOf,
  doctorActor,
  grant,
  read,
  registerDocuments,
  registrationOf,
  revoke,
} from '../../support/ledger-samples.ts'
import { demoWorld, issuerNameOf, operatorOf, people, type World } from '../../support/ledger-world.ts'

/** Every page of a placement's replay. */
async function replayOf(world: World, custodian = 'north', by = custodian): Promise<ReplayAnswer[]> {
  const pages: ReplayAnswer[] = []
  let after: string | undefined
  do {
    const from = after === undefined ? {} : { after }
    const page = await world.evaluate('ReplayEntries', { custodian, ...from }, operatorOf(by))
    pages.push(page)
    after = page.next
  } while (after !== undefined)
  return pages
}

async function replayed(world: World): Promise<Omit<ReplayAnswer, 'next'>> {
  const pages = await replayOf(world)
  return {
    checked: pages.reduce((sum, { checked }) => sum + checked, 0),
    differences: pages.flatMap(({ differences }) => differences),
    unreplayable: pages.flatMap(({ unreplayable }) => unreplayable),
  }
}

const clean = (checked: number): object => ({ checked, differences: [], unreplayable: [] })

/** Changes something in a peer's state, past the chaincode. */
function tamper(
  world: World,
  collection: string,
  pick: (key: string) => boolean,
  change: (value: unknown) => unknown,
): void {
  const values = world.state.get(collection)
  const key = [...(values?.keys() ?? [])].find(pick)
  const held = key === undefined ? undefined : values?.get(key)
  if (values === undefined || key === undefined || held === undefined)
    throw new RangeError('nothing to change')
  const { salt, value } = JSON.parse(Buffer.from(held.value).toString()) as { salt: string; value: unknown }
  values.set(key, { ...held, value: Buffer.from(JSON.stringify({ salt, value: change(value) })) })
}

const entryOf =
  (entry: string) =>
  (key: string): boolean =>
    key.startsWith('entry/') && key.endsWith(entry)

/** One access that was permitted by a consent. */
async function permitted() {
  const world = await demoWorld()
  const [document = ''] = await registerDocuments(world, 'north', 'maria')
  const consent = await grant(world, 'maria', consentOf())
  const entry = await access(world, 'dr.chen', [document])
  const change = (how: (entry: Entry) => unknown): void =>
    tamper(world, 'access-north', entryOf(entry.entry), (value) => how(value as Entry))
  return { world, document, consent, entry, change }
}

describe('a replay decides every access again and finds no difference', () => {
  test('whatever has happened since', async () => {
    const world = await demoWorld()
    const author = people['dr.okafor'].handle
    const [document = ''] = await registerDocuments(world, 'north', 'maria', [
      registrationOf('north', { author }),
    ])
    const [other = ''] = await registerDocuments(world, 'north', 'tomas')
    const ask = async (user: 'dr.chen' | 'dr.okafor' | 'maria', ids = [document]): Promise<void> =>
      void (await access(world, user, ids))
    await ask('dr.chen')
    const consent = await grant(
      world,
      'maria',
      consentOf({ type: 'permit', actor: [doctorActor('dr.chen')] }),
    )
    await ask('dr.chen')
    await ask('maria')
    await ask('dr.okafor')
    const version2 = registrationOf('north', { document, version: 2, labels: [restricted] })
    await registerDocuments(world, 'north', 'maria', [version2])
    await ask('dr.chen')
    await ask('dr.chen', [document, other, `north-${randomId()}`])
    await ask('dr.chen', [`north-${randomId()}`])
    await revoke(world, 'maria', consent)
    await grant(world, 'maria', defaultPolicyOf('all-normal'))
    await ask('dr.chen', [other, document])
    const chen = { person: people['dr.chen'].handle, issuer: issuerNameOf('south'), subject: 'dr.chen' }
    await world.submit('RegisterPerson', { ...chen, name: 'Chen', role: 'doctor' }, operatorOf('south'))
    await ask('dr.chen')
    await world.submit('DeactivatePerson', { person: chen.person }, operatorOf('south'))
    // Neither of these is an access.
    await read(world, await world.as('dr.okafor'), 'maria', 'DocumentReference')
    world.now += 3_600_000
    expect(await replayed(world)).toEqual(clean(9))
  })

  test('page by page, each of them once', async () => {
    const { world, document } = await permitted()
    for (let count = 0; count < 120; count += 1) {
      const submitter = await world.as(count % 2 === 0 ? 'dr.chen' : 'maria')
      await world.submit('RequestAccess', accessTo([document]), submitter)
    }
    const pages = await replayOf(world)
    expect(pages.map(({ checked }) => checked)).toEqual([100, 21])
    expect(await replayed(world)).toEqual(clean(121))
  })

  test('of a document that was registered a moment before or after it was asked for', async () => {
    const world = await demoWorld()
    const early = registrationOf('north')
    await access(world, 'dr.chen', [early.document])
    await registerDocuments(world, 'north', 'maria', [early])
    world.now += 1000
    await access(world, 'dr.chen', [early.document])
    expect(await replayed(world)).toEqual(clean(2))
  })

  test('at every member of the placement', async () => {
    const { world } = await permitted()
    for (const by of ['north', 'south', 'authority'])
      expect(await replayOf(world, 'north', by)).toEqual([clean(1)])
  })
})

const restricted = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }

describe('a replay finds an entry that was tampered with', () => {
  const first = async (world: World): Promise<Difference | undefined> =>
    (await replayed(world)).differences[0]

  test('in its outcome', async () => {
    const { world, entry, change, document, consent } = await permitted()
    change((value) => ({
      ...value,
      outcome: 'deny',
      documents: value.documents.map((one) => ({
        ...one,
        outcome: 'deny',
        basis: 'default-policy',
        basedOn: [],
      })),
    }))
    const named = { entry: entry.entry, through: 'south' }
    expect((await replayed(world)).differences).toEqual([
      {
        ...named,
        what: 'document',
        document,
        was: 'deny default-policy version 1',
        is: `permit consent ${consent} version 1`,
      },
      { ...named, what: 'outcome', document: null, was: 'deny', is: 'permit' },
    ])
  })

  test('in what it is based on', async () => {
    const { world, change } = await permitted()
    change((value) => ({ ...value, documents: value.documents.map((one) => ({ ...one, basedOn: [] })) }))
    expect(await first(world)).toMatchObject({ what: 'document', was: 'permit consent version 1' })
  })

  test('in the version of the consents, of the document or of the asker that it names', async () => {
    const { world, change, entry, document } = await permitted()
    change((value) => ({ ...value, inputs: { ...value.inputs, consentSet: 0 } }))
    expect(await first(world)).toMatchObject({ what: 'document', is: 'deny default-policy version 1' })
    const label = registrationOf('north', { document, version: 2, labels: [restricted] })
    await registerDocuments(world, 'north', 'maria', [label])
    change(() => ({ ...entry, documents: entry.documents.map((one) => ({ ...one, version: null })) }))
    world.now += 3_600_000
    expect(await first(world)).toMatchObject({ what: 'document' })
    await world.submit('DeactivatePerson', { person: people['dr.chen'].handle }, operatorOf('south'))
    change(() => ({ ...entry, inputs: { ...entry.inputs, agent: 2 } }))
    expect(await first(world)).toMatchObject({ what: 'asker', is: 'doctor, south, not active, dr.chen' })
  })

  test('in who asked, when, what for or under which default policy', async () => {
    const { world, change, entry, consent } = await permitted()
    change(() => ({ ...entry, agent: { ...entry.agent, organisation: 'north' } }))
    expect(await first(world)).toMatchObject({ what: 'asker', was: 'doctor, north, dr.chen' })
    change(() => ({ ...entry, inputs: { ...entry.inputs, defaultPolicy: 'all-normal' } }))
    expect(await first(world)).toMatchObject({ what: 'default-policy', was: 'all-normal' })
    change(() => ({ ...entry, at: '2026-01-15T12:00:01.000Z' }))
    expect(await first(world)).toMatchObject({ what: 'place' })
    await revoke(world, 'maria', consent)
    const code = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }
    await grant(world, 'maria', consentOf({ type: 'permit', purpose: [code] }))
    const [document] = entry.documents.map((one) => one.document)
    const later = await access(world, 'dr.chen', [document ?? ''], { purpose: 'HRESCH' })
    change(() => entry)
    expect(await replayed(world)).toEqual(clean(2))
    tamper(world, 'access-north', entryOf(later.entry), () => ({ ...later, purpose: 'TREAT' }))
    expect(await first(world)).toMatchObject({ entry: later.entry, what: 'document' })
  })

  test('that says of a document that there is none', async () => {
    const world = await demoWorld()
    const [document = ''] = await registerDocuments(world, 'north', 'maria')
    world.now += 3_600_000
    const entry = await access(world, 'dr.chen', [document])
    tamper(world, 'access-north', entryOf(entry.entry), () => ({
      ...entry,
      documents: [{ document, version: null, outcome: 'deny', basis: 'no-such-document', basedOn: [] }],
    }))
    expect(await first(world)).toMatchObject({ what: 'document', document, was: 'deny no-such-document' })
  })

  test('that was moved to another patient, or is none any more', async () => {
    const { world, change, entry } = await permitted()
    change(() => ({ ...entry, patient: people.tomas.handle }))
    expect(await first(world)).toMatchObject({ entry: entry.entry, what: 'place' })
    change(() => 'gone')
    expect(await first(world)).toMatchObject({ entry: entry.entry, what: 'form' })
  })

  test('in the versions that are kept: what was decided does not come of them any more', async () => {
    const { world } = await permitted()
    tamper(
      world,
      'consent-north',
      (key) => key.startsWith('consent-version/'),
      (value) => {
        const { set, ...rest } = value as { set: object }
        return { ...rest, set: { ...set, directives: [] } }
      },
    )
    expect(await first(world)).toMatchObject({ what: 'document', is: 'deny default-policy version 1' })
  })
})

describe('a replay says what it cannot decide again', () => {
  test.each([
    ['another constitution', { constitution: '0'.repeat(64) }, 'constitution'],
    ['another core', { core: 1 }, 'core'],
    ['other code tables', { codeTables: 99 }, 'code-tables'],
    ['a consent set that is not kept', { consentSet: 99 }, 'consent-set'],
    ['a registration that is not kept', { agent: 99 }, 'registration'],
  ])('for %s', async (_name, inputs, because) => {
    const { world, change, entry } = await permitted()
    change((value) => ({ ...value, inputs: { ...value.inputs, ...inputs } }))
    const unreplayable = [{ entry: entry.entry, through: 'south', because }]
    expect(await replayed(world)).toEqual({ checked: 0, differences: [], unreplayable })
  })

  test('for inputs that are not named, and for a document’s version that is not kept', async () => {
    const { world, change, entry } = await permitted()
    change(({ inputs: _inputs, ...value }) => value)
    expect((await replayed(world)).unreplayable).toMatchObject([{ because: 'inputs' }])
    change(() => ({ ...entry, documents: entry.documents.map((one) => ({ ...one, version: 99 })) }))
    expect((await replayed(world)).unreplayable).toMatchObject([{ because: 'document' }])
  })
})
