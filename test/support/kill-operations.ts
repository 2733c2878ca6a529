import { randomId } from 'medledger-chaincode/api'
import {
  consentOf,
  documentBundle,
  newDocument,
  newPatient,
  organisation,
  type TestPatient,
} from './clinic.ts'
import type { Answer, Network } from './network.ts'

/** Something that somebody does through a gateway that dies meanwhile. */
export interface Operation {
  readonly name: string
  /** Whose gateway dies. */
  readonly dies: string
  /** The kind of entry that it leaves; undefined when it leaves none. */
  readonly kind?: 'access' | 'consent' | 'search'
  /** In how many placements. */
  readonly placements: number
  /** Prepares one run, and gives what does it; what is done with the same key again is the same request. */
  prepare(): Promise<(key: string) => Promise<Answer>>
}

const plainJson = { 'content-type': 'application/json' }

/** The operations, for a patient of their own. */
export async function openOperations(
  network: Network,
): Promise<{ readonly patient: TestPatient; readonly operations: readonly Operation[] }> {
  const patient = await newPatient(network)
  const { handle } = patient
  const north = await newDocument(network, handle, 'north')
  await patient.grant({ type: 'permit', actor: [organisation('south'), organisation('north')] })
  const keyed = (key: string): { readonly headers: Readonly<Record<string, string>> } => ({
    headers: { 'idempotency-key': key },
  })
  const read = (user: string) => async () => (key: string) =>
    network.ask(user, `/fhir/Bundle/${north}`, keyed(key))
  const permit = consentOf(handle, { type: 'permit', actor: [organisation('south')] })
  const access = { kind: 'access', placements: 1 } as const
  const operations: Operation[] = [
    { name: 'read, asking gateway', dies: 'south', ...access, prepare: read('dr.chen') },
    { name: 'read, custodian’s gateway', dies: 'north', ...access, prepare: read('dr.chen') },
    { name: 'read at home', dies: 'north', ...access, prepare: read('dr.okafor') },
    {
      name: 'grant',
      dies: 'authority',
      kind: 'consent',
      placements: 2,
      prepare: async () => (key) => patient.ask('/fhir/Consent', { body: permit, ...keyed(key) }),
    },
    {
      name: 'revoke',
      dies: 'authority',
      kind: 'consent',
      placements: 2,
      async prepare() {
        const { body } = await patient.ask('/fhir/Consent', { body: permit })
        const revocation = { ...permit, id: body.id, status: 'inactive' }
        return (key) =>
          patient.ask(`/fhir/Consent/${body.id}`, { method: 'PUT', body: revocation, ...keyed(key) })
      },
    },
    {
      name: 'search',
      dies: 'authority',
      kind: 'search',
      placements: 2,
      prepare: async () => (key) => patient.ask(`/fhir/DocumentReference?patient=${handle}`, keyed(key)),
    },
    {
      name: 'register a document',
      dies: 'north',
      placements: 1,
      async prepare() {
        const type = { system: 'http://loinc.org', code: '11502-2' }
        const documents = [{ source: randomId(), type, date: '2026-05-04', bundle: documentBundle('x') }]
        const body = JSON.stringify({ patient: handle, documents })
        return (key) =>
          network.ask('records.north', '/v1/documents', {
            body,
            headers: { ...plainJson, 'idempotency-key': key },
          })
      },
    },
    {
      name: 'register a patient',
      dies: 'authority',
      placements: 1,
      async prepare() {
        const issuer = network.constitution.issuers.find(({ roles }) => roles.includes('patient'))?.issuer
        const body = JSON.stringify({ patient: randomId(), issuer, subject: randomId() })
        return (key) =>
          network.ask('operator.authority', '/v1/patients', {
            body,
            headers: { ...plainJson, 'idempotency-key': key },
          })
      },
    },
  ]
  return { patient, operations }
}
