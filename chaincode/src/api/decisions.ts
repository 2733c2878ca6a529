import { Type, type Static } from 'typebox'
import { Coding, DocumentId, Id, OrganisationName } from './common.ts'
import { Basis, Entry, Outcome } from './entry.ts'

const closed = { additionalProperties: false } as const

/** Why the decision of an entry cannot be made again: what it names is not what this release or this peer has. */
export const unreplayable = [
  'inputs',
  'constitution',
  'core',
  'code-tables',
  'consent-set',
  'registration',
  'document',
] as const
export const Unreplayable = Type.Unsafe<(typeof unreplayable)[number]>(Type.Enum([...unreplayable]))
export type Unreplayable = Static<typeof Unreplayable>

/** What about an entry is not as its inputs make it. */
export const differing = ['form', 'place', 'asker', 'default-policy', 'document', 'outcome'] as const
export const Differing = Type.Unsafe<(typeof differing)[number]>(Type.Enum([...differing]))

export const Difference = Type.Object(
  {
    /** The entry, by the key under which it lies. */
    entry: Id,
    through: OrganisationName,
    what: Differing,
    document: Type.Union([DocumentId, Type.Null()]),
    /** What the entry says, and what comes of its inputs. */
    was: Type.String(),
    is: Type.String(),
  },
  closed,
)
export type Difference = Static<typeof Difference>

/** A page of a placement's accesses, decided again. */
export const ReplayAnswer = Type.Object(
  {
    /** Accesses that were decided again. */
    checked: Type.Integer({ minimum: 0 }),
    differences: Type.Array(Difference),
    unreplayable: Type.Array(
      Type.Object({ entry: Id, through: OrganisationName, because: Unreplayable }, closed),
    ),
    /** Present when there is a further page. */
    next: Type.Optional(Type.String()),
  },
  closed,
)
export type ReplayAnswer = Static<typeof ReplayAnswer>

/** A document with what is, or would be, decided about it. */
export const ExplainedDocument = Type.Object(
  {
    document: DocumentId,
    /** Absent for what is no document of the patient's. */
    type: Type.Optional(Coding),
    title: Type.Optional(Type.String()),
    outcome: Outcome,
    basis: Basis,
    /** The consents that decided, sorted. */
    basedOn: Type.Array(Id),
    /** Why, in words. */
    sentences: Type.Array(Type.String()),
  },
  closed,
)
export type ExplainedDocument = Static<typeof ExplainedDocument>

export const ExplanationAnswer = Type.Object(
  {
    entry: Entry,
    /** Whether deciding again gives the same; absent where it cannot be done. */
    isSame: Type.Optional(Type.Boolean()),
    /** What holds for all documents. */
    sentences: Type.Array(Type.String()),
    documents: Type.Array(ExplainedDocument),
  },
  closed,
)
export type ExplanationAnswer = Static<typeof ExplanationAnswer>

/** Roles whose people may ask for documents. */
export const askingRoles = ['doctor', 'patient'] as const

/** Whose request is imagined: a registered person, or anybody of an organisation or of a role. */
export const Who = Type.Union([
  Type.Object({ practitioner: Id }, closed),
  Type.Object({ organisation: OrganisationName }, closed),
  Type.Object({ role: Type.Unsafe<(typeof askingRoles)[number]>(Type.Enum([...askingRoles])) }, closed),
])
export type Who = Static<typeof Who>

/** What would be decided now, or at an instant; a page of the documents. */
export const SimulationAnswer = Type.Object(
  {
    /** Whether some conceivable document would be permitted. */
    outcome: Outcome,
    sentences: Type.Array(Type.String()),
    documents: Type.Array(ExplainedDocument),
    /** Present when there is a further page. */
    next: Type.Optional(DocumentId),
  },
  closed,
)
export type SimulationAnswer = Static<typeof SimulationAnswer>
