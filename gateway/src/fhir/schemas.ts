import { Type, type TSchema } from 'typebox'
import { Coding, DocumentId, FhirDateTime, Id, Instant } from 'medledger-chaincode/api'
import { actReason } from './common.ts'
import { placementExtension } from './consent.ts'
import { entryExtension } from './audit-event.ts'

/** The FHIR R4 resources that this gateway answers with, as far as it fills them: for the document of the interface. */
const Reference = (pattern: string): TSchema => Type.Object({ reference: Type.String({ pattern }) })
const handle = '[0-9a-f]{32}'
const CodeableConcept = Type.Object({ coding: Type.Array(Coding, { minItems: 1 }) })

const Notice = Type.Object({
  resourceType: Type.Literal('OperationOutcome'),
  issue: Type.Array(Type.Object({ severity: Type.String(), code: Type.String() }), { minItems: 1 }),
})

/** A searchset: the matches first, then what is to be said about them, the notice that it may be incomplete last. */
export const searchsetOf = (match: TSchema): TSchema =>
  Type.Object(
    {
      resourceType: Type.Literal('Bundle'),
      type: Type.Literal('searchset'),
      /** Absent where there are pages. */
      total: Type.Optional(Type.Integer({ minimum: 0 })),
      link: Type.Optional(
        Type.Array(Type.Object({ relation: Type.Literal('next'), url: Type.String() }), { maxItems: 1 }),
      ),
      entry: Type.Array(
        Type.Union([
          Type.Object({ resource: match, search: Type.Object({ mode: Type.Literal('match') }) }),
          Type.Object({ resource: Notice, search: Type.Object({ mode: Type.Literal('outcome') }) }),
        ]),
        { minItems: 1 },
      ),
    },
    { additionalProperties: false },
  )

/** A document as its custodian was given it: FHIR says what is in it. */
export const DocumentBundle = Type.Object({
  resourceType: Type.Literal('Bundle'),
  type: Type.Literal('document'),
})

export const DocumentReferenceAnswer = Type.Object(
  {
    resourceType: Type.Literal('DocumentReference'),
    id: DocumentId,
    meta: Type.Object({
      versionId: Type.String({ pattern: '^[0-9]+$' }),
      security: Type.Optional(Type.Array(Coding, { minItems: 1 })),
    }),
    status: Type.Literal('current'),
    type: CodeableConcept,
    subject: Reference(`^Patient/${handle}$`),
    context: Type.Object({
      period: Type.Object({ start: FhirDateTime }),
      encounter: Type.Optional(Type.Array(Reference('^Encounter/'), { minItems: 1 })),
      related: Type.Optional(Type.Array(Reference('^[A-Z][A-Za-z]+/'), { minItems: 1 })),
    }),
    description: Type.Optional(Type.String()),
    author: Type.Optional(Type.Array(Reference(`^Practitioner/${handle}$`))),
    custodian: Reference('^Organization/'),
    content: Type.Array(
      Type.Object({
        attachment: Type.Object({ contentType: Type.Literal('application/fhir+json'), url: Type.String() }),
      }),
    ),
    date: Type.Optional(FhirDateTime),
  },
  { additionalProperties: false },
)

const Extension = Type.Object({ url: Type.String() })

/** A Consent as its patient granted it, with what the gateway adds. */
export const ConsentAnswer = Type.Object({
  resourceType: Type.Literal('Consent'),
  id: Id,
  status: Type.String(),
  patient: Reference(`^Patient/${handle}$`),
  organization: Type.Optional(Type.Array(Reference('^Organization/'))),
})

/** A changed Consent: what became of the change in each placement. */
export const ChangedConsent = Type.Intersect([
  ConsentAnswer,
  Type.Object({
    // Beside those that the patient sent.
    extension: Type.Array(Extension, {
      contains: Type.Object({
        url: Type.Literal(placementExtension),
        extension: Type.Array(Extension, { minItems: 2 }),
      }),
    }),
  }),
])

export const AuditEventAnswer = Type.Object(
  {
    resourceType: Type.Literal('AuditEvent'),
    id: Id,
    extension: Type.Array(Type.Object({ url: Type.Literal(entryExtension), valueString: Type.String() })),
    type: Coding,
    subtype: Type.Array(Coding),
    action: Type.Enum(['C', 'R', 'U', 'D', 'E']),
    recorded: Instant,
    outcome: Type.Enum(['0', '4']),
    agent: Type.Array(
      Type.Object({
        requestor: Type.Boolean(),
        who: Type.Object({ reference: Type.String(), display: Type.Optional(Type.String()) }),
        purposeOfUse: Type.Optional(
          Type.Array(
            Type.Object({
              coding: Type.Array(Type.Object({ system: Type.Literal(actReason), code: Type.String() })),
            }),
          ),
        ),
      }),
    ),
    source: Type.Object({ observer: Reference('^Organization/') }),
    entity: Type.Array(Type.Object({ what: Type.Object({ reference: Type.String() }) })),
  },
  { additionalProperties: false },
)

export const CapabilityStatementAnswer = Type.Object({
  resourceType: Type.Literal('CapabilityStatement'),
  fhirVersion: Type.Literal('4.0.1'),
  rest: Type.Array(Type.Object({ mode: Type.Literal('server') })),
})
