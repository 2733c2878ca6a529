import {
  MedledgerError,
  randomId,
  type Entry,
  type FieldsOf,
  type PublicKey,
  type SigningKey,
} from 'medledger-chaincode/api'
import { people, type Submitter, type User, type World } from './ledger-world.ts'

export { consentOf, defaultPolicyOf } from './ledger-consents.ts'

/** A sound key of an issuer, whose private half everybody knows: the base point of the curve. */
export const signingKey: Extract<SigningKey, { crv: 'P-256' }> = {
  kty: 'EC',
  crv: 'P-256',
  x: 'axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY',
  y: 'T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU',
  alg: 'ES256',
}

const { alg: _alg, ...point } = signingKey
export const recipient: PublicKey = point

/** An actor of a provision, by reference. */
export const actorOf = (reference: string): Record<string, unknown> => ({ reference: { reference } })
export const doctorActor = (user: User): Record<string, unknown> =>
  actorOf(`Practitioner/${people[user].handle}`)

type Registration = FieldsOf<'RegisterDocuments'>['documents'][number]

export const registrationOf = (custodian: string, more: Partial<Registration> = {}): Registration => ({
  document: `${custodian}-${randomId()}`,
  version: 1,
  type: { system: 'http://loinc.org', code: '34133-9' },
  date: '2025-11-03',
  digest: randomId() + randomId(),
  ...more,
})

/** Registers documents of a patient and answers with their ids. */
export async function registerDocuments(
  world: World,
  custodian: 'north' | 'south',
  patient: User,
  registrations: readonly Registration[] = [registrationOf(custodian)],
): Promise<string[]> {
  const fields = { custodian, patient: people[patient].handle, documents: [...registrations] }
  await world.submit('RegisterDocuments', fields, await world.as(`records.${custodian}`))
  return registrations.map(({ document }) => document)
}

/** Lodges a patient's Consent and answers with its id. */
export async function grant(
  world: World,
  patient: User,
  directive: Record<string, unknown>,
  { custodian = 'north', consent = randomId() } = {},
): Promise<string> {
  const fields = { custodian, patient: people[patient].handle, consent, directive }
  await world.submit('GrantConsent', fields, await world.as(patient))
  return consent
}

export async function revoke(
  world: World,
  patient: User,
  consent: string,
  custodian = 'north',
): Promise<void> {
  const fields = { custodian, patient: people[patient].handle, consent }
  await world.submit('RevokeConsent', fields, await world.as(patient))
}

export const accessTo = (
  documents: readonly string[],
  more: Partial<FieldsOf<'RequestAccess'>> = {},
): FieldsOf<'RequestAccess'> => ({
  custodian: 'north',
  documents: [...documents],
  purpose: 'TREAT',
  recipient,
  ...more,
})

/** Asks for documents and answers with the committed entry, as the asker's gateway reads it. */
export async function access(
  world: World,
  user: User,
  documents: readonly string[],
  more: Partial<FieldsOf<'RequestAccess'>> = {},
): Promise<Entry> {
  const submitter = await world.as(user)
  const entry = await world.submit('RequestAccess', accessTo(documents, more), submitter)
  return readEntry(world, entry, submitter.organisation, { custodian: more.custodian ?? 'north' })
}

/** An entry as the ledger holds it, by what its mark under the submitting organisation says. Errors: NOT_FOUND. */
export async function readEntry(
  world: World,
  entry: string,
  organisation: string,
  { custodian = 'north', book = 'access' }: { custodian?: string; book?: 'access' | 'consent' } = {},
): Promise<Entry> {
  const collection = `${book}-${custodian}`
  const valueOf = (key: string): unknown => {
    const bytes = world.state.get(collection)?.get(key)?.value
    return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as { value: unknown }).value
  }
  const mark = valueOf(`request/${organisation}/${entry}`) as { entry: string | null } | undefined
  const found = mark?.entry ? (valueOf(mark.entry) as Entry | undefined) : undefined
  if (found === undefined) throw new MedledgerError('NOT_FOUND', 'No such entry.')
  return found
}

/** Records a reading and answers with its entry's id. */
export const read = (
  world: World,
  reader: Submitter,
  patient: User,
  readingOf: FieldsOf<'RecordReading'>['readingOf'],
  more: Partial<FieldsOf<'RecordReading'>> = {},
): Promise<string> => {
  const fields = { custodian: 'north', patient: people[patient].handle, readingOf, purpose: 'TREAT' } as const
  return world.submit('RecordReading', { ...fields, ...more }, reader)
}
