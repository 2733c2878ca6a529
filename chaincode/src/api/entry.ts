import { Type, type Static } from 'typebox'
import { DefaultPolicy, Role } from './constitution.ts'
import {
  Coding,
  Digest,
  DocumentId,
  FhirDateTime,
  Id,
  Instant,
  OrganisationName,
  PublicKey,
  SigningKey,
  limits,
} from './common.ts'

const closed = { additionalProperties: false } as const

export const Outcome = Type.Union([Type.Literal('permit'), Type.Literal('deny')])
export type Outcome = Static<typeof Outcome>

/** Why a record was permitted or denied. */
export const Basis = Type.Union([
  /** A directive of the patient. */
  Type.Literal('consent'),
  /** The patient asks for her own record. */
  Type.Literal('self'),
  /** No directive applies: the custodian's own staff, for what they wrote, for treatment. */
  Type.Literal('author'),
  /** No directive applies: the default policy decides. */
  Type.Literal('default-policy'),
  /** Permitted as a whole, but a directive denies something inside it; only the custodian, at release, can tell. */
  Type.Literal('denied-in-part'),
  /** The custodian has no document with this id. */
  Type.Literal('no-such-document'),
  /** A document of another patient than the one whom the entry is about. */
  Type.Literal('several-patients'),
])
export type Basis = Static<typeof Basis>

/** What was decided about one document, and on which version of it. */
export const DocumentOutcome = Type.Object(
  {
    document: DocumentId,
    /** Version of the descriptor that was decided on; null when there is none. */
    version: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    outcome: Outcome,
    basis: Basis,
    /** The directives that decided, sorted. */
    basedOn: Type.Array(Id),
  },
  closed,
)
export type DocumentOutcome = Static<typeof DocumentOutcome>

/** Who acted: a person or patient from the registry, or an organisation's gateway in its own name. */
export const Agent = Type.Object(
  {
    kind: Type.Union([Type.Literal('person'), Type.Literal('patient'), Type.Literal('gateway')]),
    /** Handle of the person or patient; absent for a gateway. */
    id: Type.Optional(Id),
    /** Name of a person, as registered when she acted. */
    name: Type.Optional(Type.String({ maxLength: 200 })),
    role: Type.Optional(Role),
    /** The organisation that the person belongs to (for a patient: the one that registered her). */
    organisation: OrganisationName,
    /** The organisation whose gateway submitted the request. */
    through: OrganisationName,
  },
  closed,
)
export type Agent = Static<typeof Agent>

export const EntryKind = Type.Union([
  Type.Literal('access'),
  Type.Literal('search'),
  Type.Literal('log'),
  Type.Literal('consent'),
  Type.Literal('release'),
  Type.Literal('cancel'),
])
export type EntryKind = Static<typeof EntryKind>

/** The FHIR resource types that a reading can be of. */
export const ReadingOf = Type.Union([
  Type.Literal('DocumentReference'),
  Type.Literal('Consent'),
  Type.Literal('AuditEvent'),
])
export type ReadingOf = Static<typeof ReadingOf>

/** The versions of what was decided on, so that the decision can be replayed. */
export const Inputs = Type.Object(
  {
    /** Version of the patient's consent set; 0 before the first directive. */
    consentSet: Type.Integer({ minimum: 0 }),
    /** Version of the asker's registration. */
    agent: Type.Integer({ minimum: 0 }),
    defaultPolicy: Type.Optional(DefaultPolicy),
    /** Version of the decision's meaning. */
    core: Type.Integer({ minimum: 1 }),
    /** Version of the code tables. */
    codeTables: Type.Integer({ minimum: 1 }),
    /** SHA-256 of the constitution in canonical form. */
    constitution: Digest,
  },
  closed,
)
export type Inputs = Static<typeof Inputs>

/** One line of the account of who did what: written once, never rewritten. */
export const Entry = Type.Object(
  {
    /** The request's id; unique together with `agent.through`. */
    entry: Id,
    kind: EntryKind,
    transactionId: Digest,
    /** Transaction time; for people. Order follows block and position. */
    at: Instant,
    custodian: OrganisationName,
    /** Null when the request named no document that exists. */
    patient: Type.Union([Id, Type.Null()]),
    agent: Agent,
    purpose: Type.Optional(Type.String()),
    outcome: Outcome,
    /** Of an access: what was decided; of a release: what was delivered. */
    documents: Type.Array(DocumentOutcome),
    /** Of an access: the key to which a release is encrypted. */
    recipient: Type.Optional(PublicKey),
    /** Of a search or a look at the log. */
    readingOf: Type.Optional(ReadingOf),
    /** Of a change of consent. */
    consent: Type.Optional(Id),
    change: Type.Optional(Type.Union([Type.Literal('grant'), Type.Literal('revoke')])),
    /** Of a release: the access; of a cancellation: the request. */
    of: Type.Optional(Id),
    /** Of a release: the organisation through which the access was requested. */
    ofThrough: Type.Optional(OrganisationName),
    inputs: Type.Optional(Inputs),
    /** How sure the ledger is that the person asked for this: by a bearer token alone. */
    assurance: Type.Literal('attested'),
    origin: Type.Literal('online'),
  },
  closed,
)
export type Entry = Static<typeof Entry>

/** Security labels: those of the document and of everything in it (HL7 v3 Confidentiality and ActCode). */
export const Labels = Type.Array(Coding, {
  minItems: 1,
  maxItems: limits.labelsPerDocument,
  uniqueItems: true,
})
export type Labels = Static<typeof Labels>

/** What a document belongs to, e.g. `Encounter/…`, in the custodian's own ids. */
export const Related = Type.Array(Type.String({ pattern: '^[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64}$' }), {
  minItems: 1,
  maxItems: limits.relationsPerDocument,
  uniqueItems: true,
})
export type Related = Static<typeof Related>

/** What a placement's members know of a document; its content stays encrypted with the custodian. */
export const Descriptor = Type.Object(
  {
    document: DocumentId,
    version: Type.Integer({ minimum: 1 }),
    patient: Id,
    type: Coding,
    title: Type.Optional(Type.String({ maxLength: 200 })),
    date: FhirDateTime,
    /** Handle of the registered person who wrote it. */
    author: Type.Optional(Id),
    labels: Type.Optional(Labels),
    related: Type.Optional(Related),
    /** SHA-256 of the ciphertext in the custodian's vault. */
    digest: Digest,
  },
  closed,
)
export type Descriptor = Static<typeof Descriptor>

/** Somebody at an organisation. */
export const Person = Type.Object(
  {
    person: Id,
    version: Type.Integer({ minimum: 1 }),
    issuer: Type.String({ minLength: 1, maxLength: 200 }),
    subject: Type.String({ minLength: 1, maxLength: 200 }),
    organisation: OrganisationName,
    name: Type.String({ minLength: 1, maxLength: 200 }),
    role: Role,
    unit: Type.Optional(Type.String({ maxLength: 200 })),
    active: Type.Boolean(),
  },
  closed,
)
export type Person = Static<typeof Person>

export const Patient = Type.Object(
  {
    patient: Id,
    version: Type.Integer({ minimum: 1 }),
    issuer: Type.String({ minLength: 1, maxLength: 200 }),
    subject: Type.String({ minLength: 1, maxLength: 200 }),
    /** The organisation that registered her. */
    organisation: OrganisationName,
    status: Type.Literal('active'),
  },
  closed,
)
export type Patient = Static<typeof Patient>

export const IssuerKey = Type.Object(
  {
    issuer: Type.String({ minLength: 1, maxLength: 200 }),
    kid: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    key: SigningKey,
    /** A revoked key verifies nothing any more and cannot be added again. */
    revoked: Type.Boolean(),
  },
  closed,
)
export type IssuerKey = Static<typeof IssuerKey>
