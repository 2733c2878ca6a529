import {
  custodianOf,
  MedledgerError,
  type AccessReview,
  type Agent,
  type Descriptor,
  type DocumentOutcome,
  type DocumentParts,
  type Entry,
  type Patient,
  type Person,
  type RequestOf,
  type RequestState,
} from '../api/index.ts'
import {
  decide,
  deniesSomething,
  describedRecord,
  roleSystem,
  utc,
  type Asker,
  type Decision,
  type Facts,
} from '../core/index.ts'
import { requireRecipientKey } from '../identity/index.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { readEntry, readRequestState, type EntryDraft } from '../ledger/entries.ts'
import { nobody, patientKey, personKey } from '../ledger/keys.ts'
import { inputsOf, readConsentSet, readDescriptor, type ConsentSet } from '../ledger/records.ts'
import type { Handlers } from './handlers.ts'
import { withParts } from './parts.ts'

export interface Situation {
  readonly at: number
  readonly agent: Agent
  readonly purpose: string
  readonly custodian: string
  readonly patient: string
  readonly set: ConsentSet
  readonly documents: readonly Descriptor[]
  /** Where days begin and end. */
  readonly zone: string
}

/** The facts of a decision, from what the ledger holds. */
export function factsOf({ at, agent, purpose, custodian, patient, set, documents, zone }: Situation): Facts {
  const { kind, id = '', role = '', organisation } = agent
  // Who chooses for herself that nobody may without her directive means the author as well.
  const isClosed = set.policyConsent !== undefined && set.defaultPolicy === 'deny'
  const isStaff = kind === 'person' && organisation === custodian && purpose === 'TREAT' && !isClosed
  return {
    at,
    purposes: [purpose],
    action: 'access',
    asker: askerOf(kind, id, role, organisation),
    directives: set.directives,
    defaultPolicy: set.defaultPolicy,
    combining: 'deny-overrides',
    self: kind === 'patient' && id === patient,
    isStaff,
    records: documents.map((descriptor) => ({
      ...describedRecord(descriptor, zone),
      isOwn: isStaff && descriptor.author === id,
    })),
  }
}

/** By what a directive can name the asker: staff also as their organisation; everybody by role. */
function askerOf(kind: Agent['kind'], id: string, role: string, organisation: string): Asker {
  const references =
    kind === 'patient' ? [`Patient/${id}`] : [`Practitioner/${id}`, `Organization/${organisation}`]
  return {
    references: new Set(references),
    identifiers: new Set([`${roleSystem}|${role}`]),
    groups: new Set(),
    role,
  }
}

/**
 * Decides on access to documents and records the outcome, whatever it is. Documents that do not exist are denied in
 * the same way, after the same reads, and so are those of other patients than the one whom the entry is about (see
 * {@link patientOf}): an error, which leaves no entry, or a refusal of the whole, would tell whoever may read one document
 * whether another exists.
 * Errors: INVALID_REQUEST for documents of several custodians and a recipient's key that is none, FORBIDDEN for a purpose
 * beyond the token's.
 */
async function requestAccess(context: Context, request: RequestOf<'RequestAccess'>): Promise<EntryDraft> {
  const { custodian, documents, purpose, recipient } = request
  if (documents.some((document) => custodianOf(document) !== custodian)) {
    throw new MedledgerError('INVALID_REQUEST', 'One request concerns the documents of one custodian.')
  }
  requireRecipientKey(recipient)
  requirePurpose(context, purpose)
  const placement = await context.placement(custodian)
  const descriptors = await Promise.all(documents.map((document) => readDescriptor(placement, document)))
  const zone = zoneOf(context)
  const situation = { at: context.at, agent: context.caller.agent, purpose, custodian, zone }
  const { patient, set, outcomes } = await decideOn(context, placement, documents, descriptors, situation)
  return {
    kind: 'access',
    custodian,
    patient,
    purpose,
    recipient,
    documents: [...outcomes],
    outcome: overallOf(outcomes),
    inputs: inputsOf(context, set),
  }
}

/** The purpose must be one that the token allows, if it says any. Errors: FORBIDDEN. */
export function requirePurpose({ caller }: Context, purpose: string): void {
  if (caller.token?.purposes?.includes(purpose) === false) {
    throw new MedledgerError('FORBIDDEN', 'The token was not issued for this purpose of use.')
  }
}

/** Where a directive's days begin and end. */
export const zoneOf = ({ constitution }: Pick<Context, 'constitution'>): string =>
  constitution.timeZone ?? utc

const refused = (
  document: string,
  version: number | null,
  basis: DocumentOutcome['basis'],
): DocumentOutcome => ({
  document,
  version,
  outcome: 'deny',
  basis,
  basedOn: [],
})

type Asking = Omit<Situation, 'patient' | 'documents' | 'set'>

interface Decided {
  /** In whose account the request belongs; null when none of the documents exists. */
  readonly patient: string | null
  /** Her consent set. */
  readonly set: ConsentSet
  readonly outcomes: readonly DocumentOutcome[]
}

async function decideOn(
  { constitution }: Context,
  placement: PlacementBooks,
  ids: readonly string[],
  descriptors: readonly (Descriptor | undefined)[],
  asking: Asking,
): Promise<Decided> {
  // One for each document, whosever it is: fewer would tell which documents exist, and which belong together.
  const sets = await Promise.all(
    descriptors.map((found) => readConsentSet(constitution, placement, found?.patient ?? nobody)),
  )
  const setOf = new Map(sets.map((set, index) => [descriptors[index]?.patient ?? nobody, set]))
  const outcomesOf = new Map(
    [...setOf].map(([patient, set]) => [
      patient,
      decideFor(patient, ids, descriptors, { ...asking, set }).outcomes,
    ]),
  )
  const patient = patientOf(descriptors, outcomesOf)
  const set = setOf.get(patient ?? nobody)
  const outcomes = outcomesOf.get(patient ?? nobody)
  if (set === undefined || outcomes === undefined) throw new RangeError('No document was asked for.')
  return { patient, set, outcomes }
}

/**
 * The patient of the first document that is permitted. Only where none is, that of the first that exists: documents that the
 * asker may not see then never change what becomes of those that she may, in whatever order she names them.
 */
function patientOf(
  descriptors: readonly (Descriptor | undefined)[],
  outcomesOf: ReadonlyMap<string, readonly DocumentOutcome[]>,
): string | null {
  const existing = descriptors.flatMap((found, index) => (found ? [{ patient: found.patient, index }] : []))
  const permitted = existing.find(
    ({ patient, index }) => outcomesOf.get(patient)?.[index]?.outcome === 'permit',
  )
  return (permitted ?? existing[0])?.patient ?? null
}

/** A decision about documents of one patient, and what it comes to for each document that was asked for. */
export interface DecidedFor {
  readonly decision: Decision
  readonly outcomes: readonly DocumentOutcome[]
}

/**
 * What is decided about each document when the request is about this patient. Every decision of the ledger on documents by
 * their ids is made here: an access, its review, and when it is decided again from the versions that its entry names.
 */
export function decideFor(
  patient: string,
  ids: readonly string[],
  descriptors: readonly (Descriptor | undefined)[],
  situation: Omit<Situation, 'patient' | 'documents'>,
): DecidedFor {
  const documents = descriptors
    .filter((found) => found?.patient === patient)
    .filter((found) => found !== undefined)
  const decision = decide(factsOf({ ...situation, patient, documents }))
  const decided = new Map(documents.map(({ document }, index) => [document, decision.records[index]]))
  const outcomes = ids.map((document, index): DocumentOutcome => {
    const found = descriptors[index]
    if (found === undefined) return refused(document, null, 'no-such-document')
    const record = decided.get(document)
    if (record === undefined) return refused(document, null, 'several-patients')
    const { outcome, basis, basedOn } = record
    return { document, version: found.version, outcome, basis, basedOn: [...basedOn] }
  })
  return { decision, outcomes }
}

/** An access is permitted when something of it is. */
export const overallOf = (outcomes: readonly DocumentOutcome[]): DocumentOutcome['outcome'] =>
  outcomes.some(({ outcome }) => outcome === 'permit') ? 'permit' : 'deny'

/**
 * What became of a request that the asking gateway submitted. No more than the person may know herself: who runs the
 * gateway must not learn from a refusal whose document it was, or whether there is one. Errors: NOT_FOUND when it is
 * neither committed nor cancelled on the state of the peer that is asked.
 */
async function readRequest(context: Context, request: RequestOf<'ReadRequest'>): Promise<RequestState> {
  const placement = await context.placement(request.custodian)
  const book = request.book === 'access' ? placement.access : placement.consent
  return readRequestState(context, book, request.entry)
}

/**
 * The custodian's second look before a release: the entry, and the decision again on the newest state of the peer that
 * is asked; where it says what is inside the documents, on that too. Errors: NOT_FOUND, FORBIDDEN for another organisation
 * than the custodian.
 */
async function reviewAccess(context: Context, request: RequestOf<'ReviewAccess'>): Promise<AccessReview> {
  const { custodian, through } = request
  if (context.caller.agent.organisation !== custodian) {
    throw new MedledgerError('FORBIDDEN', 'Only the custodian reviews an access to its documents.')
  }
  const placement = await context.placement(custodian)
  const entry = await readEntry(placement.access, through, request.entry)
  if (entry.kind !== 'access')
    throw new MedledgerError('NOT_FOUND', 'No access with this id is committed here.')
  return {
    entry,
    ...(await decideAgain(context, placement, entry, request.parts ?? [])),
    registered: await areRegistered(context, entry),
  }
}

async function decideAgain(
  context: Context,
  placement: PlacementBooks,
  entry: Entry,
  parts: readonly DocumentParts[],
): Promise<Pick<AccessReview, 'now' | 'digests' | 'hasDenies'>> {
  const ids = entry.documents.map(({ document }) => document)
  const descriptors = await Promise.all(ids.map((id) => readDescriptor(placement, id)))
  // Decided for the patient whom the entry is about: which one that is must not change meanwhile.
  const patient = entry.patient ?? nobody
  const set = await readConsentSet(context.constitution, placement, patient)
  const { agent, custodian, purpose = '' } = entry
  const digests = descriptors.flatMap((found) => (found ? [[found.document, found.digest] as const] : []))
  const asked = { at: context.at, agent, purpose, custodian, set, zone: zoneOf(context) }
  const factsAbout = (found: Descriptor): Facts => factsOf({ ...asked, patient, documents: [found] })
  const { outcomes } = decideFor(patient, ids, descriptors, asked)
  return {
    now: withParts(outcomes, descriptors, factsAbout, parts),
    hasDenies: set.directives.some(deniesSomething),
    digests: Object.fromEntries(digests),
  }
}

/** Both are read whatever the first one says, so that a review takes as long for a document that does not exist. */
async function areRegistered(context: Context, { agent, patient }: Entry): Promise<boolean> {
  const asker = await isRegistered(context, agent)
  // An entry without a patient has nothing to release.
  const known = await isKnownPatient(context, patient ?? nobody)
  return asker && known && patient !== null
}

/** Whether the asker is still registered in the role and at the organisation of the entry. */
async function isRegistered(
  { registry }: Pick<Context, 'registry'>,
  { kind, id = '', role, organisation }: Agent,
): Promise<boolean> {
  if (kind === 'patient') return isKnownPatient({ registry }, id)
  const person = await registry.get<Person>(personKey(id))
  return person?.active === true && person.role === role && person.organisation === organisation
}

async function isKnownPatient({ registry }: Pick<Context, 'registry'>, patient: string): Promise<boolean> {
  return (await registry.get<Patient>(patientKey(patient)))?.status === 'active'
}

export const accessHandlers = {
  RequestAccess: requestAccess,
  ReadRequest: readRequest,
  ReviewAccess: reviewAccess,
} satisfies Partial<Handlers>
