import { describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import * as keys from '../../../chaincode/src/ledger/keys.ts'
import {
  access,
  accessTo,
  consentOf,
  doctorActor,
  grant,
  read,
  registerDocuments,
  registrationOf,
  revoke,
} from '../../support/ledger-samples.ts'
import { demoWorld, gatewayOf, people, type World } from '../../support/ledger-world.ts'

const secret = 'ab'.repeat(32)
const handles = Object.values(people).map(({ handle }) => handle)

/** A world in which a little of everything has happened to Maria, and the documents that it was about. */
async function eventfulWorld(): Promise<{ world: World; documents: string[] }> {
  const world = await demoWorld()
  const author = people['dr.okafor'].handle
  const documents = await registerDocuments(world, 'north', 'maria', [registrationOf('north', { author })])
  await grant(world, 'maria', consentOf({ type: 'permit', actor: [doctorActor('dr.chen')] }))
  const consent = await grant(world, 'maria', consentOf({ type: 'deny', actor: [doctorActor('dr.okafor')] }))
  const { entry } = await access(world, 'dr.chen', documents)
  const release = { custodian: 'north', through: 'south', access: entry, documents }
  await world.submit('RecordRelease', release, gatewayOf('north'))
  await read(world, await world.as('auditor.lee'), 'maria', 'AuditEvent')
  await read(world, await world.as('dr.chen'), 'maria', 'DocumentReference')
  await revoke(world, 'maria', consent)
  const cancel = { custodian: 'north', book: 'consent', cancels: randomId() } as const
  await world.submit('CancelRequest', cancel, gatewayOf('south'))
  return { world, documents }
}

describe('the keys of a placement', () => {
  test('hold no handle and no secret, and neither does public state in its values', async () => {
    const { world } = await eventfulWorld()
    const openly = [...(world.state.get('')?.entries() ?? [])].map(
      ([key, { value }]) => key + Buffer.from(value).toString(),
    )
    const inPlacement = ['consent-north', 'access-north'].flatMap((name) => [
      ...(world.state.get(name)?.keys() ?? []),
    ])
    expect(inPlacement.length).toBeGreaterThan(20)
    expect(openly.length).toBeGreaterThan(0)
    for (const text of [...openly, ...inPlacement])
      for (const handle of handles) expect(text).not.toContain(handle)
  })

  test('of documents hold no document’s id', async () => {
    const { world, documents } = await eventfulWorld()
    const found = [...(world.state.get('consent-north')?.keys() ?? [])].filter((key) =>
      key.startsWith('document/'),
    )
    expect(found).toHaveLength(documents.length)
    for (const [index, key] of found.entries()) expect(key).not.toContain(documents[index])
  })

  test('are others at another placement, so that nobody is followed from one to the other', async () => {
    const world = await demoWorld()
    await grant(world, 'maria', consentOf(), { custodian: 'north' })
    await grant(world, 'maria', consentOf(), { custodian: 'south' })
    const keysOf = (name: string): string[] =>
      [...(world.state.get(name)?.keys() ?? [])].filter((key) => key.startsWith('consent-set/'))
    expect(keysOf('consent-north')).toHaveLength(1)
    expect(keysOf('consent-south')).not.toEqual(keysOf('consent-north'))
  })

  test('begin in the same way for the entries of one patient, and of no other', () => {
    const prefix = keys.entryPrefix(secret, 'maria')
    const place = { at: '2026-01-15T12:00:00.000Z', through: 'south', entry: 'e1' }
    expect(keys.entryKey(secret, 'maria', place).startsWith(prefix)).toBe(true)
    expect(keys.entryKey(secret, 'tomas', place).startsWith(prefix)).toBe(false)
    expect(keys.entryKey('cd'.repeat(32), 'maria', place).startsWith(prefix)).toBe(false)
  })

  test('do not confuse an issuer with its subject, or a patient with a document', () => {
    expect(keys.subjectKey(secret, 'a', 'bc')).not.toBe(keys.subjectKey(secret, 'ab', 'c'))
    const tail = (key: string): string | undefined => key.split('/')[1]
    expect(tail(keys.documentKey(secret, 'x'))).not.toBe(tail(keys.consentSetKey(secret, 'x')))
  })

  test('of versions are in the order of versions', () => {
    const versions = [1, 2, 9, 10, 99, 100, 12_345]
    const written = versions.map((version) => keys.consentVersionKey(secret, 'maria', version))
    expect([...written].sort()).toEqual(written)
  })

  test('of issuers’ keys do not run into each other', () => {
    expect(keys.issuerKeyKey('urn:a/b', 'c')).not.toBe(keys.issuerKeyKey('urn:a', 'b/c'))
  })
})

describe('what is written', () => {
  test('has a salt of its own in every value', async () => {
    const { world } = await eventfulWorld()
    const salts = [...world.state.values()].flatMap((values) =>
      [...values.values()].map(
        ({ value }) => (JSON.parse(Buffer.from(value).toString()) as { salt: string }).salt,
      ),
    )
    expect(salts.length).toBeGreaterThan(50)
    expect(new Set(salts).size).toBe(salts.length)
  })

  test('in public state is nothing but issuers’ keys and marks of requests', async () => {
    const { world } = await eventfulWorld()
    const kinds = [...(world.state.get('')?.keys() ?? [])].map((key) => key.split('/')[0])
    expect(new Set(kinds)).toEqual(new Set(['issuer-key', 'request']))
  })

  test('never replaces an entry: no two requests write the same entry or mark', async () => {
    const { world } = await eventfulWorld()
    for (const values of world.state.values())
      for (const [key, { version }] of values) {
        if (/^(entry|request|(consent|document|person|patient)-version|patient-document|secret)/.test(key))
          expect(version).toBe(1)
      }
  })

  test('is the same on two endorsers, to the byte', async () => {
    const { world, documents } = await eventfulWorld()
    const doctor = await world.as('dr.chen')
    const identity = { request: randomId(), salt: randomId() }
    const transactionId = randomId() + randomId()
    const endorse = () =>
      world.endorse('RequestAccess', accessTo(documents), doctor, { ...identity, transactionId })
    const [one, two] = [await endorse(), await endorse()]
    expect(one.response).toEqual(two.response)
    expect(one.reads).toEqual(two.reads)
    expect(one.writes).toEqual(two.writes)
  })
})
