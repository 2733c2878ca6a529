import {
  type Agent,
  type Descriptor,
  type DocumentOutcome,
  type Entry,
  type Patient,
  type Person,
  type Role,
  type Unreplayable,
} from '../api/index.ts'
import { codeTablesVersion, coreVersion } from '../core/index.ts'
import { disorderMs } from '../ledger/clock.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { nobody, patientVersionKey, personVersionKey } from '../ledger/keys.ts'
import { readConsentVersion, readDocumentVersion, type ConsentSet } from '../ledger/records.ts'
import { decideFor, zoneOf, type DecidedFor } from './access.ts'

/** The asker as she was registered then. */
interface Asker {
  readonly role: Role
  readonly organisation: string
  readonly active: boolean
  /** Of a person. */
  readonly name?: string
}

/** An access decided again from the versions that its entry names, with what was read of them. */
export interface DecidedAgain extends DecidedFor {
  readonly set: ConsentSet
  readonly asker: Asker
  readonly descriptors: readonly (Descriptor | undefined)[]
}

/** What of an entry's inputs this release or this peer does not have. */
interface Missing {
  readonly missing: Unreplayable
}

type Sources = Pick<Context, 'constitution' | 'constitutionDigest' | 'registry'>

/** Decides an access again, by the functions that decided it, from the versions and the instant that its entry names. */
export async function decideAsThen(
  context: Sources,
  placement: PlacementBooks,
  entry: Entry,
): Promise<DecidedAgain | Missing> {
  const { inputs, custodian, purpose = '' } = entry
  const missing = lackOf(context, inputs)
  if (missing !== undefined || inputs === undefined) return { missing: missing ?? 'inputs' }
  const patient = entry.patient ?? nobody
  const version = { patient, version: inputs.consentSet }
  const set = await readConsentVersion(context.constitution, placement, version)
  if (set === undefined) return { missing: 'consent-set' }
  const asker = await registeredAs(context, entry.agent, inputs.agent)
  if (asker === undefined) return { missing: 'registration' }
  const descriptors = await Promise.all(entry.documents.map((outcome) => asThen(placement, entry, outcome)))
  if (descriptors.includes('missing')) return { missing: 'document' }
  const found = descriptors.filter((descriptor) => descriptor !== 'missing')
  const ids = entry.documents.map(({ document }) => document)
  const asked = { at: Date.parse(entry.at), purpose, custodian, set, zone: zoneOf(context) }
  const agent: Agent = { ...entry.agent, role: asker.role, organisation: asker.organisation }
  return { ...decideFor(patient, ids, found, { ...asked, agent }), set, asker, descriptors: found }
}

/** What the entry names that this release does not have. */
function lackOf({ constitutionDigest }: Sources, inputs: Entry['inputs']): Unreplayable | undefined {
  if (inputs === undefined) return 'inputs'
  if (inputs.constitution !== constitutionDigest) return 'constitution'
  if (inputs.core !== coreVersion) return 'core'
  return inputs.codeTables === codeTablesVersion ? undefined : 'code-tables'
}

async function registeredAs(
  { registry }: Pick<Context, 'registry'>,
  { kind, id = '' }: Agent,
  version: number,
): Promise<Asker | undefined> {
  if (kind === 'patient') {
    const patient = await registry.get<Patient>(patientVersionKey(id, version))
    if (patient === undefined) return undefined
    return { role: 'patient', organisation: patient.organisation, active: patient.status === 'active' }
  }
  const person = await registry.get<Person>(personVersionKey(id, version))
  if (person === undefined) return undefined
  const { role, organisation, active, name } = person
  return { role, organisation, active, name }
}

/**
 * The descriptor that a document's outcome was decided on; undefined when the document did not exist. Where the entry names
 * no version, it existed if it was certainly registered before: a document never changes its patient.
 */
async function asThen(
  placement: PlacementBooks,
  { at }: Entry,
  { document, version, basis }: DocumentOutcome,
): Promise<Descriptor | undefined | 'missing'> {
  if (version !== null)
    return (await readDocumentVersion(placement, document, version))?.descriptor ?? 'missing'
  const first = await readDocumentVersion(placement, document, 1)
  if (first === undefined) return basis === 'several-patients' ? 'missing' : undefined
  const isOlder = Date.parse(first.at) + disorderMs < Date.parse(at)
  return basis === 'several-patients' || isOlder ? first.descriptor : undefined
}
