import { Type, type Static } from 'typebox'
import { DocumentId } from './common.ts'

const closed = { additionalProperties: false } as const

const Texts = Type.Array(Type.String({ maxLength: 4096 }), { minItems: 1, maxItems: 10_000 })
const Instants = Type.Integer()

/** What denies can ask of a resource inside a document: `PartFacts` of the core. What is empty is left out. */
export const PartFacts = Type.Object(
  {
    id: Type.Optional(Type.String({ maxLength: 4096 })),
    type: Type.String({ maxLength: 100 }),
    classes: Type.Optional(Texts),
    codes: Type.Optional(Texts),
    allCodes: Type.Optional(Texts),
    confidentiality: Type.Integer({ minimum: 0, maximum: 5 }),
    sensitivities: Type.Optional(Texts),
    /** Milliseconds since 1970 (UTC). */
    first: Type.Optional(Instants),
    last: Type.Optional(Instants),
    isDateUnclear: Type.Optional(Type.Literal(true)),
    authors: Type.Optional(Texts),
    identifiedIn: Type.Optional(Texts),
    isAuthorUnclear: Type.Optional(Type.Literal(true)),
    references: Type.Optional(Texts),
  },
  closed,
)
export type PartFacts = Static<typeof PartFacts>

/** Some of the resources inside a document, for the custodian's own peer alone. */
export const DocumentParts = Type.Object(
  { document: DocumentId, parts: Type.Array(PartFacts, { maxItems: 10_000 }) },
  closed,
)
export type DocumentParts = Static<typeof DocumentParts>
