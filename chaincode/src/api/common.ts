import { Type, type Static } from 'typebox'
import { purposeCodes } from '../core/tables/purposes.ts'

/** 128 random bits in lower-case hexadecimal: request ids, salts, patients' and people's handles, consents. */
export const Id = Type.String({ pattern: '^[0-9a-f]{32}$' })

/** Name of an organisation, see the constitution. */
export const OrganisationName = Type.String({ pattern: '^[a-z][a-z0-9]{1,15}$' })

/** A document's id names its custodian, so that a request finds its placement: `north-` and 128 random bits. */
export const documentIdPattern = '^[a-z][a-z0-9]{1,15}-[0-9a-f]{32}$'
export const DocumentId = Type.String({ pattern: documentIdPattern })

/** The custodian in a document's id. */
export const custodianOf = (document: string): string => document.slice(0, document.lastIndexOf('-'))

/** An instant in UTC with seconds or milliseconds (RFC 3339, section 5.6). */
export const Instant = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{3})?Z$' })

/** FHIR `date` or `dateTime` of a document; compared as text, never shown as an exact time. */
export const FhirDateTime = Type.String({
  pattern: '^\\d{4}(-\\d{2}(-\\d{2}(T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2}))?)?)?$',
})

/** The codes below PurposeOfUse in HL7 v3 ActReason. */
export const purposesOfUse = purposeCodes
export const PurposeOfUse = Type.Unsafe<string>(Type.Enum([...purposesOfUse]))
export type PurposeOfUse = Static<typeof PurposeOfUse>

/** A coded value: system and code decide, the display text is for people. */
export const Coding = Type.Object(
  {
    system: Type.String({ minLength: 1, maxLength: 200 }),
    code: Type.String({ minLength: 1, maxLength: 64 }),
    display: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
)
export type Coding = Static<typeof Coding>

const Base64Url = (length: number): ReturnType<typeof Type.String> =>
  Type.String({ pattern: `^[A-Za-z0-9_-]{${length}}$` })

/** A public P-256 key as JWK (RFC 7517), with nothing else in it. */
export const PublicKey = Type.Object(
  { kty: Type.Literal('EC'), crv: Type.Literal('P-256'), x: Base64Url(43), y: Base64Url(43) },
  { additionalProperties: false },
)
export type PublicKey = Static<typeof PublicKey>

const closed = { additionalProperties: false } as const

/**
 * A public key (RFC 7517, RFC 8037) with the one algorithm that is accepted with it (RFC 7518, section 3), so that a token
 * cannot choose. Whether its numbers are sound is for the verifier to say.
 */
export const SigningKey = Type.Union([
  Type.Object(
    {
      kty: Type.Literal('EC'),
      crv: Type.Literal('P-256'),
      x: Base64Url(43),
      y: Base64Url(43),
      alg: Type.Literal('ES256'),
    },
    closed,
  ),
  Type.Object(
    {
      kty: Type.Literal('OKP'),
      crv: Type.Literal('Ed25519'),
      x: Base64Url(43),
      alg: Type.Literal('EdDSA'),
    },
    closed,
  ),
  Type.Object(
    {
      kty: Type.Literal('RSA'),
      // Up to 8192 bits, so that the answer to a key of a wrong size can say so.
      n: Type.String({ pattern: '^[A-Za-z0-9_-]{2,1366}$' }),
      e: Type.String({ pattern: '^[A-Za-z0-9_-]{2,16}$' }),
      alg: Type.Union([Type.Literal('PS256'), Type.Literal('RS256')]),
    },
    closed,
  ),
])
export type SigningKey = Static<typeof SigningKey>

/** SHA-256 in lower-case hexadecimal. */
export const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** What a request may contain at the most. */
export const limits = {
  documentsPerRequest: 50,
  /** UTF-8 bytes of a sealed request. */
  requestBytes: 256 * 1024,
  /** UTF-8 bytes of one directive as given. */
  directiveBytes: 32 * 1024,
  activeDirectives: 200,
  /** Security labels and relations of one document. */
  labelsPerDocument: 20,
  relationsPerDocument: 20,
  /** Grants of one patient that widen what is permitted, in one placement on one day (UTC). */
  wideningGrantsPerDay: 200,
  /** UTF-8 bytes of a patient's consent set. */
  consentSetBytes: 64 * 1024,
  /** How long after its transaction time an entry may still be released or answer a query. */
  freshnessMs: 60_000,
  /** How far a transaction's time may lie behind and ahead of an endorser's clock. */
  clockBehindMs: 60_000,
  clockAheadMs: 10_000,
  entriesPerPage: 500,
  documentsPerPage: 500,
  consentsPerPage: 100,
  /** Entries that a page of a replay looks at. */
  entriesPerReplay: 100,
} as const
