import { Type, type Static } from 'typebox'
import {
  Coding,
  Digest,
  DocumentId,
  FhirDateTime,
  Id,
  Instant,
  OrganisationName,
  PublicKey,
  PurposeOfUse,
  SigningKey,
  limits,
} from './common.ts'
import { Who } from './decisions.ts'
import { IssuerKey, Labels, Person, ReadingOf, Related } from './entry.ts'
import { DocumentParts } from './parts.ts'

const closed = { additionalProperties: false } as const

/** What every request carries beside its own fields. */
const common = {
  /** Names the request for ever: a retry reuses it, and its entry has it as id. */
  request: Id,
  /** Salts the digest in the block and, per value, everything that the request writes. */
  salt: Id,
}

export const OpenPlacement = Type.Object(
  {
    ...common,
    /** A custodian, or `registry`. */
    placement: Type.String({ pattern: '^[a-z][a-z0-9]{1,15}$' }),
    /** Secret from which the placement's keys derive, 256 random bits. */
    secret: Digest,
  },
  closed,
)

export const AddIssuerKey = Type.Object(
  { ...common, issuer: IssuerKey.properties.issuer, kid: IssuerKey.properties.kid, key: SigningKey },
  closed,
)

export const RevokeIssuerKey = Type.Object(
  { ...common, issuer: IssuerKey.properties.issuer, kid: IssuerKey.properties.kid },
  closed,
)

export const RegisterPatient = Type.Object(
  {
    ...common,
    patient: Id,
    issuer: Person.properties.issuer,
    subject: Person.properties.subject,
  },
  closed,
)

export const RegisterPerson = Type.Object(
  {
    ...common,
    person: Id,
    issuer: Person.properties.issuer,
    subject: Person.properties.subject,
    name: Person.properties.name,
    role: Person.properties.role,
    unit: Person.properties.unit,
  },
  closed,
)

export const DeactivatePerson = Type.Object({ ...common, person: Id }, closed)

export const GrantConsent = Type.Object(
  {
    ...common,
    custodian: OrganisationName,
    patient: Id,
    consent: Id,
    /** The FHIR Consent, R4 or R5, as given. */
    directive: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
)

export const RevokeConsent = Type.Object(
  { ...common, custodian: OrganisationName, patient: Id, consent: Id },
  closed,
)

export const DocumentRegistration = Type.Object(
  {
    document: DocumentId,
    /** 1 for a new document, else one more than the version it replaces. */
    version: Type.Integer({ minimum: 1 }),
    type: Coding,
    title: Type.Optional(Type.String({ maxLength: 200 })),
    date: FhirDateTime,
    author: Type.Optional(Id),
    labels: Type.Optional(Labels),
    related: Type.Optional(Related),
    digest: Digest,
  },
  closed,
)
export type DocumentRegistration = Static<typeof DocumentRegistration>

export const RegisterDocuments = Type.Object(
  {
    ...common,
    custodian: OrganisationName,
    patient: Id,
    documents: Type.Array(DocumentRegistration, { minItems: 1, maxItems: limits.documentsPerRequest }),
  },
  closed,
)

export const RequestAccess = Type.Object(
  {
    ...common,
    custodian: OrganisationName,
    documents: Type.Array(DocumentId, {
      minItems: 1,
      maxItems: limits.documentsPerRequest,
      uniqueItems: true,
    }),
    purpose: PurposeOfUse,
    /** The key to which the custodian is to encrypt what it releases. */
    recipient: PublicKey,
  },
  closed,
)

export const RecordReading = Type.Object(
  { ...common, custodian: OrganisationName, patient: Id, readingOf: ReadingOf, purpose: PurposeOfUse },
  closed,
)

/** A document that is permitted as a whole and denied in part, and the consents that deny. */
export const Withheld = Type.Object(
  { document: DocumentId, basedOn: Type.Array(Id, { maxItems: limits.activeDirectives }) },
  closed,
)
export type Withheld = Static<typeof Withheld>

export const RecordRelease = Type.Object(
  {
    ...common,
    custodian: OrganisationName,
    /** The access that was answered, and the organisation through which it was requested. */
    through: OrganisationName,
    access: Id,
    /** What was released. A refusal is recorded likewise, so that a block does not tell the two apart. */
    documents: Type.Array(DocumentId, { maxItems: limits.documentsPerRequest, uniqueItems: true }),
    /** What the access permitted and was held back, because the consents named deny something inside it. */
    withheld: Type.Optional(
      Type.Array(Withheld, { minItems: 1, maxItems: limits.documentsPerRequest, uniqueItems: true }),
    ),
  },
  closed,
)

/** Which of a placement's collections holds a request's entry. */
export const Book = Type.Union([Type.Literal('access'), Type.Literal('consent')])
export type Book = Static<typeof Book>

export const CancelRequest = Type.Object(
  { ...common, custodian: OrganisationName, book: Book, cancels: Id },
  closed,
)

// Queries. They write nothing; one that shows a patient's data names the committed entry of that reading.

export const ReadCaller = Type.Object({ ...common }, closed)
export const ReadPatient = Type.Object({ ...common, patient: Id }, closed)
export const ReadIssuerKey = Type.Object(
  { ...common, issuer: IssuerKey.properties.issuer, kid: IssuerKey.properties.kid },
  closed,
)
export const ReadRequest = Type.Object(
  { ...common, custodian: OrganisationName, book: Book, entry: Id },
  closed,
)
export const ReviewAccess = Type.Object(
  {
    ...common,
    custodian: OrganisationName,
    /** The organisation through which the access was requested. */
    through: OrganisationName,
    entry: Id,
    /** What is inside of the documents that may be released; in several requests where one would be too large. */
    parts: Type.Optional(Type.Array(DocumentParts, { maxItems: limits.documentsPerRequest })),
  },
  closed,
)

/** What names an entry: ids are unique within the organisation that submitted them. */
export const EntryName = Type.Object({ through: OrganisationName, entry: Id }, closed)

/** An entry's place in a patient's account, which is kept by transaction time. */
export const EntryPlace = Type.Object({ at: Instant, through: OrganisationName, entry: Id }, closed)
export type EntryPlace = Static<typeof EntryPlace>

const reading = { ...common, custodian: OrganisationName, entry: Id }
export const ListDocuments = Type.Object(
  {
    ...reading,
    /** The last document that the page before looked at, be it shown or not. */
    after: Type.Optional(DocumentId),
  },
  closed,
)
export const ListConsents = Type.Object(
  {
    ...reading,
    /** Version of the consent set that the last grant of the page before made. */
    after: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  closed,
)
export const ReadGrant = Type.Object(reading, closed)
export const ListEntries = Type.Object(
  {
    ...reading,
    book: Book,
    /** How many at the most; all that a page may have unless said otherwise. */
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.entriesPerPage })),
    /** The last entry of the page before. */
    after: Type.Optional(EntryPlace),
  },
  closed,
)

/** The accesses of a placement, decided again; see {@link Difference}. */
export const ReplayEntries = Type.Object(
  {
    ...common,
    custodian: OrganisationName,
    /** The key with which the page before ended. */
    after: Type.Optional(
      Type.String({ pattern: '^entry/[0-9a-f]{64}/[0-9TZ:.-]{24}/[a-z][a-z0-9]{1,15}/[0-9a-f]{32}$' }),
    ),
  },
  closed,
)
export const ExplainEntry = Type.Object({ ...reading, of: EntryName }, closed)
export const SimulateDecision = Type.Object(
  {
    ...reading,
    who: Who,
    purpose: PurposeOfUse,
    at: Type.Optional(Instant),
    /** A Consent that is considered as if it were granted here, by an id of the caller's choice. */
    considered: Type.Optional(
      Type.Object({ consent: Id, directive: GrantConsent.properties.directive }, closed),
    ),
    /** Consents that are considered as if they were revoked. */
    without: Type.Optional(Type.Array(Id, { maxItems: limits.activeDirectives, uniqueItems: true })),
    /** The last document of the page before. */
    after: Type.Optional(DocumentId),
  },
  closed,
)
