import { Type, type Static, type TSchema } from 'typebox'
import { Digest, DocumentId, Id, Instant, OrganisationName } from './common.ts'
import type { Constitution, Role } from './constitution.ts'
import { Role as RoleSchema } from './constitution.ts'
import { askingRoles, ExplanationAnswer, ReplayAnswer, SimulationAnswer } from './decisions.ts'
import { Descriptor, DocumentOutcome, Entry, IssuerKey, Patient } from './entry.ts'
import {
  accessCollection,
  chaincodeEndorsers,
  collectionNamed,
  consentCollection,
  placementOf,
  registry,
  type Endorsers,
} from './placements.ts'
import { EntryName, EntryPlace } from './requests.ts'
import * as requests from './requests.ts'

/**
 * Who may call: a person of a role, by her token; or an organisation in its own name, by the attribute
 * `medledger.role` of the certificate that signs.
 */
export type Caller = Role | 'gateway-certificate' | 'operator-certificate'

/** Where a request's mark, and with it its entry, is written: a collection, or undefined for public state. */
type BookOf<Request extends TSchema> = (request: Static<Request>) => string | undefined

interface Submit<Request extends TSchema, Response extends TSchema> {
  readonly mode: 'submit'
  readonly request: Request
  readonly response: Response
  readonly callers: readonly Caller[]
  readonly book: BookOf<Request>
}

interface Evaluate<Request extends TSchema, Response extends TSchema> {
  readonly mode: 'evaluate'
  readonly request: Request
  readonly response: Response
  readonly callers: readonly Caller[]
}

/** The answer of every transaction that is committed; it becomes public in the block and says nothing else. */
export const EntryReference = Type.Object({ entry: Id }, { additionalProperties: false })

const submit = <Request extends TSchema>(
  request: Request,
  callers: readonly Caller[],
  book: BookOf<Request>,
): Submit<Request, typeof EntryReference> => ({
  mode: 'submit',
  request,
  response: EntryReference,
  callers,
  book,
})

const evaluate = <Request extends TSchema, Response extends TSchema>(
  request: Request,
  callers: readonly Caller[],
  response: Response,
): Evaluate<Request, Response> => ({ mode: 'evaluate', request, response, callers })

const closed = { additionalProperties: false } as const

export const CallerAnswer = Type.Object({ id: Id, role: RoleSchema, organisation: OrganisationName }, closed)
export type CallerAnswer = Static<typeof CallerAnswer>

/** What became of a request: that it is committed or cancelled, when, and who made it; not how it was decided. */
export const RequestState = Type.Object(
  {
    state: Type.Union([Type.Literal('committed'), Type.Literal('cancelled')]),
    /** The transaction that committed or cancelled it. */
    transactionId: Digest,
    at: Instant,
    /** Handle of who made it; absent when it left no entry. */
    agent: Type.Optional(Id),
  },
  closed,
)
export type RequestState = Static<typeof RequestState>

export const AccessReview = Type.Object(
  {
    entry: Entry,
    /** The decision on the newest state, document by document. */
    now: Type.Array(DocumentOutcome),
    /** Whether a directive denies anything, so that what is inside the documents has to be decided on. */
    hasDenies: Type.Boolean(),
    /** Whether asker and patient are still registered. */
    registered: Type.Boolean(),
    /** Digests of the documents' ciphertexts in their newest versions, by document. */
    digests: Type.Record(Type.String(), Digest),
  },
  closed,
)
export type AccessReview = Static<typeof AccessReview>

export const DocumentsAnswer = Type.Object(
  {
    documents: Type.Array(Descriptor),
    /** Present when there is a further page. */
    next: Type.Optional(DocumentId),
  },
  closed,
)
export type DocumentsAnswer = Static<typeof DocumentsAnswer>

export const ConsentRecord = Type.Object(
  {
    consent: Id,
    /** Version of the patient's consent set that added it. */
    version: Type.Integer({ minimum: 1 }),
    active: Type.Boolean(),
    /** The transaction that added it. */
    transactionId: Digest,
    directive: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
)
export type ConsentRecord = Static<typeof ConsentRecord>
export const ConsentsAnswer = Type.Object(
  {
    consents: Type.Array(ConsentRecord),
    /** Present when there is a further page. */
    next: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  closed,
)
export type ConsentsAnswer = Static<typeof ConsentsAnswer>

/** Whether a grant is in force still. */
export const GrantAnswer = Type.Object({ active: Type.Boolean() }, closed)

export const EntriesAnswer = Type.Object(
  {
    entries: Type.Array(Entry),
    /** Those accesses among them of which something was released. */
    delivered: Type.Array(EntryName),
    /** Present when there is a further page. */
    next: Type.Optional(EntryPlace),
  },
  closed,
)
export type EntriesAnswer = Static<typeof EntriesAnswer>

const access = ({ custodian }: { custodian: string }): string => accessCollection(custodian)
const consent = ({ custodian }: { custodian: string }): string => consentCollection(custodian)

/** The collection of a placement that {@link requests.Book} names. */
export const bookCollection = (custodian: string, book: requests.Book): string =>
  book === 'access' ? accessCollection(custodian) : consentCollection(custodian)

/** A search is about a custodian's documents; looks at the log and at consents no custodian may hold back. */
export const bookOfReading = (readingOf: string): requests.Book =>
  readingOf === 'DocumentReference' ? 'access' : 'consent'

/** Every transaction and query: what it takes and answers, who may call it, and where it leaves its mark. */
export const transactions = {
  OpenPlacement: submit(requests.OpenPlacement, ['operator-certificate'], ({ placement }) =>
    placement === registry ? registry : consentCollection(placement),
  ),
  AddIssuerKey: submit(requests.AddIssuerKey, ['operator-certificate'], () => undefined),
  RevokeIssuerKey: submit(requests.RevokeIssuerKey, ['operator-certificate'], () => undefined),
  RegisterPatient: submit(requests.RegisterPatient, ['operator-certificate', 'operator'], () => registry),
  RegisterPerson: submit(requests.RegisterPerson, ['operator-certificate', 'operator'], () => registry),
  DeactivatePerson: submit(requests.DeactivatePerson, ['operator-certificate', 'operator'], () => registry),
  GrantConsent: submit(requests.GrantConsent, ['patient'], consent),
  RevokeConsent: submit(requests.RevokeConsent, ['patient'], consent),
  RegisterDocuments: submit(requests.RegisterDocuments, ['custodian'], consent),
  RequestAccess: submit(requests.RequestAccess, askingRoles, access),
  RecordReading: submit(
    requests.RecordReading,
    ['doctor', 'patient', 'auditor'],
    ({ custodian, readingOf }) => bookCollection(custodian, bookOfReading(readingOf)),
  ),
  RecordRelease: submit(requests.RecordRelease, ['gateway-certificate'], access),
  CancelRequest: submit(requests.CancelRequest, ['gateway-certificate'], ({ custodian, book }) =>
    bookCollection(custodian, book),
  ),
  ReadCaller: evaluate(
    requests.ReadCaller,
    ['doctor', 'patient', 'auditor', 'custodian', 'operator'],
    CallerAnswer,
  ),
  ReadPatient: evaluate(requests.ReadPatient, ['custodian'], Patient),
  ReadIssuerKey: evaluate(requests.ReadIssuerKey, ['gateway-certificate', 'operator-certificate'], IssuerKey),
  ReadRequest: evaluate(requests.ReadRequest, ['gateway-certificate'], RequestState),
  ReviewAccess: evaluate(requests.ReviewAccess, ['gateway-certificate'], AccessReview),
  ListDocuments: evaluate(requests.ListDocuments, ['doctor', 'patient'], DocumentsAnswer),
  ListConsents: evaluate(requests.ListConsents, ['patient'], ConsentsAnswer),
  ReadGrant: evaluate(requests.ReadGrant, ['patient'], GrantAnswer),
  ListEntries: evaluate(requests.ListEntries, ['patient', 'auditor'], EntriesAnswer),
  ReplayEntries: evaluate(requests.ReplayEntries, ['operator-certificate'], ReplayAnswer),
  ExplainEntry: evaluate(requests.ExplainEntry, ['patient'], ExplanationAnswer),
  SimulateDecision: evaluate(requests.SimulateDecision, ['patient'], SimulationAnswer),
} as const

export type TransactionName = keyof typeof transactions
export type SubmitName = {
  [N in TransactionName]: (typeof transactions)[N]['mode'] extends 'submit' ? N : never
}[TransactionName]
export type EvaluateName = Exclude<TransactionName, SubmitName>
export type RequestOf<N extends TransactionName> = Static<(typeof transactions)[N]['request']>
export type ResponseOf<N extends TransactionName> = Static<(typeof transactions)[N]['response']>

/** What a caller states; request id and salt are drawn when the request is sealed, unless it is a retry. */
export type FieldsOf<N extends TransactionName> = Omit<RequestOf<N>, 'request' | 'salt'>

export const isTransactionName = (name: string): name is TransactionName => Object.hasOwn(transactions, name)

/** The book of a submitted request, see {@link BookOf}. */
export function bookOf<N extends SubmitName>(name: N, request: RequestOf<N>): string | undefined {
  const book = transactions[name].book as BookOf<TSchema>
  return book(request)
}

/** Whose peers must endorse a request. Errors: INVALID_REQUEST for a custodian without a placement. */
export function endorsersOf<N extends SubmitName>(
  constitution: Constitution,
  name: N,
  request: RequestOf<N>,
): Endorsers {
  const book = bookOf(name, request)
  return book === undefined ? chaincodeEndorsers(constitution) : collectionNamed(constitution, book).endorsers
}

/** Organisations whose peers hold what a query reads: a placement's members, else everyone. */
export function holdersOf<N extends EvaluateName>(
  constitution: Constitution,
  request: RequestOf<N>,
): readonly string[] {
  if ('custodian' in request) return placementOf(constitution, request.custodian).members
  return constitution.organisations.map(({ name }) => name)
}
