import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Vault } from '../../../gateway/src/vault/index.ts'
import { createGive, createRecipient, type Give, type Recipient } from '../../../gateway/src/release/index.ts'
import { MedledgerError } from 'medledger-chaincode/api'
import {
  bundleOf,
  depositAt,
  depositOf,
  grantAt,
  revokeAt,
  testNetwork,
  type TestNetwork,
} from '../../support/gateway-network.ts'
import { accessTo, doctorActor } from '../../support/ledger-samples.ts'
import { operatorOf, people } from '../../support/ledger-world.ts'

interface Access {
  readonly entry: string
  readonly block: number
}

let network: TestNetwork
let recipient: Recipient
let document: string
let consent: string
let give: Give
const read = vi.fn<Vault['read']>()

/** A committed access of South's doctor to a document of North's. */
async function accessOf(documents: readonly string[]): Promise<Access> {
  const { token = '' } = await network.world.as('dr.chen')
  const { client } = network.gateways.south.services
  const fields = accessTo(documents, { recipient: recipient.publicKey })
  const { entry, block } = await client.submit('RequestAccess', fields, { token })
  return { entry, block }
}

beforeEach(async () => {
  network = await testNetwork()
  recipient = await createRecipient()
  const [deposited = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
  document = deposited
  consent = await grantAt(network, 'maria', { type: 'permit', actor: [doctorActor('dr.chen')] })
  const { services, records } = network.gateways.north
  read.mockReset()
  read.mockImplementation((version) => services.vault.read(version))
  give = createGive({
    ...services,
    custodian: 'north',
    records,
    vault: { read, rehearse: () => services.vault.rehearse() },
    zone: 'UTC',
    now: () => network.world.now,
    observe: () => {},
  })
})

const notReleased = expect.objectContaining({ code: 'NOT_RELEASED' }) as Error

describe('a custodian', () => {
  test('releases what was and still is permitted, sealed to the recipient of the access', async () => {
    const access = await accessOf([document])
    const { documents } = await give(access, 'south')
    expect(documents).toMatchObject([{ document, version: 1 }])
    const [released] = documents
    if (released === undefined) return
    const bound = { entry: access.entry, document, version: 1 }
    expect(await recipient.open(released.content, bound)).toEqual(bundleOf('letter'))
  })

  test('asks its own peer alone, and only once that holds the block of the access', async () => {
    const access = await accessOf([document])
    await give(access, 'south')
    expect(network.ledger.calls.filter(({ name }) => name === 'ReviewAccess')).toEqual([
      expect.objectContaining({ through: 'north', organisations: ['north'], minimumBlock: access.block }),
    ])
  })

  test('has its peer hold all blocks that it has heard of, whatever block the asker names', async () => {
    const { entry } = await accessOf([document])
    await grantAt(network, 'tomas', { type: 'deny' })
    const last = network.ledger.blocks.length - 1
    await give({ entry, block: 0 }, 'south')
    expect(network.ledger.calls.find(({ name }) => name === 'ReviewAccess')?.minimumBlock).toBe(last)
  })

  test('releases nothing to another organisation than the one through which was asked', async () => {
    const access = await accessOf([document])
    await expect(give(access, 'authority')).rejects.toThrow()
    await expect(give(access, 'north')).rejects.toThrow()
    expect(read).not.toHaveBeenCalled()
    expect((await give(access, 'south')).documents).toHaveLength(1)
  })

  test('releases nothing for an access that is more than a minute old or from more than ten seconds ahead', async () => {
    const access = await accessOf([document])
    const { now } = network.world
    for (const later of [60_001, -10_001]) {
      network.world.now = now + later
      await expect(give(access, 'south')).rejects.toEqual(notReleased)
    }
    expect(read).not.toHaveBeenCalled()
    network.world.now = now + 60_000
    expect((await give(access, 'south')).documents).toHaveLength(1)
  })

  test('releases nothing for somebody who is no longer registered', async () => {
    const access = await accessOf([document])
    const person = people['dr.chen'].handle
    await network.world.submit('DeactivatePerson', { person }, operatorOf('south'))
    expect(await give(access, 'south')).toEqual({ documents: [] })
    expect(read).not.toHaveBeenCalled()
  })

  test('releases nothing once the consent is revoked', async () => {
    const access = await accessOf([document])
    await revokeAt(network, 'maria', consent)
    expect(await give(access, 'south')).toEqual({ documents: [] })
    expect(read).not.toHaveBeenCalled()
  })

  test('releases nothing of a document that has been replaced since', async () => {
    const access = await accessOf([document])
    const changed = depositOf('letter', { bundle: bundleOf('changed') })
    expect(await depositAt(network, 'north', 'maria', [changed])).toEqual([document])
    expect(await give(access, 'south')).toEqual({ documents: [] })
    expect(read).not.toHaveBeenCalled()
  })

  test('answers a denial and an unknown document with nothing, without a look into the vault', async () => {
    const [other = ''] = await depositAt(network, 'north', 'tomas', [depositOf('his')])
    for (const id of [other, `north-${'00'.repeat(16)}`]) {
      expect(await give(await accessOf([id]), 'south')).toEqual({ documents: [] })
    }
    expect(read).not.toHaveBeenCalled()
  })

  test('releases of several documents those that are permitted', async () => {
    const unknown = `north-${'00'.repeat(16)}`
    const { documents } = await give(await accessOf([unknown, document]), 'south')
    expect(documents.map((released) => released.document)).toEqual([document])
  })

  test('releases an access once, also when asked twice at the same time', async () => {
    const access = await accessOf([document])
    const both = await Promise.allSettled([give(access, 'south'), give(access, 'south')])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const already = expect.objectContaining({ code: 'ALREADY_RELEASED' }) as Error
    await expect(give(access, 'south')).rejects.toEqual(already)
    expect((await give(await accessOf([document]), 'south')).documents).toHaveLength(1)
  })

  test('releases nothing while its peer is behind, has lost its stream, or does not answer', async () => {
    const access = await accessOf([document])
    const away = expect.objectContaining({ code: 'LEDGER_UNAVAILABLE' }) as Error
    await expect(give({ ...access, block: access.block + 1 }, 'south')).rejects.toEqual(away)
    network.ledger.connected = false
    await expect(give(access, 'south')).rejects.toEqual(away)
    network.ledger.connected = true
    network.ledger.fault = () => new MedledgerError('LEDGER_UNAVAILABLE', 'No.')
    await expect(give(access, 'south')).rejects.toEqual(away)
    expect(read).not.toHaveBeenCalled()
    network.ledger.fault = () => undefined
    expect((await give(access, 'south')).documents).toHaveLength(1)
  })

  test('releases nothing for an id that is no access', async () => {
    const { block } = await accessOf([document])
    await expect(give({ entry: '00'.repeat(16), block }, 'south')).rejects.toEqual(
      expect.objectContaining({ code: 'NOT_FOUND' }) as Error,
    )
    const { token = '' } = await network.world.as('dr.chen')
    const reading = {
      custodian: 'north',
      patient: people.maria.handle,
      purpose: 'TREAT',
      readingOf: 'DocumentReference',
    } as const
    const search = await network.gateways.south.services.client.submit('RecordReading', reading, { token })
    await expect(give(search, 'south')).rejects.toThrow()
    expect(read).not.toHaveBeenCalled()
  })

  test('releases nothing when the vault’s content has been tampered with', async () => {
    const access = await accessOf([document])
    await network.gateways.north.database.updateTable('documents').set({ ciphertext: 'x' }).execute()
    await expect(give(access, 'south')).rejects.toThrow()
  })

  test('releases nothing but the very ciphertext that the ledger knows, and uses up no access without it', async () => {
    const access = await accessOf([document])
    const { database, services } = network.gateways.north
    const row = await database.selectFrom('documents').selectAll().executeTakeFirstOrThrow()
    await database.deleteFrom('documents').execute()
    // As sound as the first, and of the same id, version and keys: only the digest tells them apart.
    const { registration } = await services.vault.deposit({
      patient: people.maria.handle,
      source: 'letter',
      id: document,
      description: { type: { system: 'http://loinc.org', code: '34133-9' }, date: '2025-11-03' },
      content: bundleOf('forged'),
    })
    expect(registration).toMatchObject({ document, version: 1 })
    await expect(give(access, 'south')).rejects.toThrow(/another content than the ledger/)
    expect(read).toHaveBeenLastCalledWith({ document, version: 1, digest: row.digest })
    await database.deleteFrom('documents').execute()
    await database.insertInto('documents').values(row).execute()
    expect((await give(access, 'south')).documents).toHaveLength(1)
  })
})

describe('a document of which something inside is denied', () => {
  const typed = (code: string): object => ({
    class: [{ system: 'http://hl7.org/fhir/resource-types', code }],
  })
  const inside = (...resources: object[]): Record<string, unknown> => ({
    ...bundleOf('inside'),
    entry: [{ resource: { resourceType: 'Composition' } }, ...resources.map((resource) => ({ resource }))],
  })
  const observation = { resourceType: 'Observation', id: 'o', code: { text: 'x' } }
  const deposited = async (bundle: object): Promise<string> =>
    (await depositAt(network, 'north', 'maria', [depositOf('inside', { bundle })]))[0] ?? ''
  const reviews = (): number => network.ledger.calls.filter(({ name }) => name === 'ReviewAccess').length

  test('is not released, and the release entry says why', async () => {
    const held = await deposited(inside(observation))
    const deny = await grantAt(network, 'maria', { type: 'deny', ...typed('Observation') })
    const access = await accessOf([document, held])
    expect((await give(access, 'south')).documents).toMatchObject([{ document }])
    const { records } = network.gateways.north
    await records.settle()
    const log = await network.send('maria', { url: `/fhir/AuditEvent?patient=${people.maria.handle}` })
    expect(log.body).toContain(held)
    const releases = [...(network.world.state.get('access-north')?.values() ?? [])]
      .map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as { value: { kind?: string } }).value)
      .filter(({ kind }) => kind === 'release')
    expect(releases).toMatchObject([
      {
        outcome: 'permit',
        documents: [
          { document, outcome: 'permit' },
          { document: held, outcome: 'deny', basis: 'denied-in-part', basedOn: [deny] },
        ],
      },
    ])
  })

  test('is released once nothing in it is denied any more', async () => {
    const held = await deposited(inside(observation))
    const deny = await grantAt(network, 'maria', { type: 'deny', ...typed('Observation') })
    expect((await give(await accessOf([held]), 'south')).documents).toEqual([])
    await revokeAt(network, 'maria', deny)
    expect((await give(await accessOf([held]), 'south')).documents).toHaveLength(1)
  })

  test('is found however many resources are in it, in several looks', async () => {
    const many = Array.from({ length: 1200 }, (_item, index) => ({
      resourceType: 'Condition',
      id: `c${index}`,
      code: { coding: [{ system: 'http://snomed.info/sct', code: 'y'.repeat(150) + String(index) }] },
    }))
    const held = await deposited(inside(...many, observation))
    await grantAt(network, 'maria', { type: 'deny', ...typed('Observation') })
    const before = reviews()
    expect((await give(await accessOf([held]), 'south')).documents).toEqual([])
    expect(reviews() - before).toBeGreaterThan(3)
  })

  test('costs a look more where somebody denies something, and where anything is refused', async () => {
    const count = async (documents: string[]): Promise<number> => {
      const before = reviews()
      await give(await accessOf(documents), 'south')
      return reviews() - before
    }
    expect(await count([document])).toBe(1)
    const unknown = `north-${'00'.repeat(16)}`
    expect(await count([unknown])).toBe(2)
    const held = await deposited(inside(observation))
    await grantAt(network, 'maria', { type: 'deny', ...typed('Observation') })
    for (const documents of [[held], [document], [unknown]]) expect(await count(documents)).toBe(2)
  })
})
