import { FhirDateTime } from 'medledger-chaincode/api'
import { Type, type TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import type { Fault } from '../error.ts'

/** A member of a FHIR element that is read: one value, or a list of them. */
interface Member {
  readonly schema: TSchema
  readonly validator: Validator
  readonly isList: boolean
  readonly isRequired: boolean
  readonly maximum: number
}
type Shape = Readonly<Record<string, Member>>

const one = (schema: TSchema): Member => ({
  schema,
  validator: Compile(schema),
  isList: false,
  isRequired: false,
  maximum: 1,
})
const many = (schema: TSchema, maximum = Number.POSITIVE_INFINITY): Member => ({
  ...one(schema),
  isList: true,
  maximum,
})
const required = (member: Member): Member => ({ ...member, isRequired: true })

const Coding = Type.Object({ system: Type.Optional(Type.String()), code: Type.String({ minLength: 1 }) })
const CodeableConcept = Type.Object({ coding: Type.Array(Coding, { minItems: 1 }) })
const Period = Type.Object({ start: Type.Optional(FhirDateTime), end: Type.Optional(FhirDateTime) })
const Reference = Type.Object({
  reference: Type.Optional(Type.String({ minLength: 1 })),
  identifier: Type.Optional(
    Type.Object({ system: Type.String({ minLength: 1 }), value: Type.String({ minLength: 1 }) }),
  ),
})
const PatientReference = Type.Object({ reference: Type.String({ pattern: '^Patient/[0-9a-f]{32}$' }) })
const OrganisationReference = Type.Object({ reference: Type.String({ minLength: 1 }) })

const provision = {
  period: one(Period),
  actor: many(Type.Object({ role: Type.Optional(CodeableConcept), reference: Type.Optional(Reference) })),
  action: many(CodeableConcept),
  securityLabel: many(Coding),
  purpose: many(Coding),
  code: many(CodeableConcept),
  dataPeriod: one(Period),
  data: many(
    Type.Object({
      meaning: Type.Enum(['instance', 'related', 'dependents', 'authoredby']),
      reference: Reference,
    }),
  ),
} satisfies Shape

const effects = Type.Enum(['permit', 'deny'])
const provisionOfR4: Shape = { type: one(effects), ...provision, class: many(Coding) }
const provisionOfR5: Shape = { ...provision, resourceType: many(Coding), documentType: many(Coding) }

const common = { resourceType: required(one(Type.Literal('Consent'))), status: required(one(Type.String())) }
const maximumOrganisations = 50

const consentOfR4: Shape = {
  ...common,
  scope: one(CodeableConcept),
  category: many(Type.Object({})),
  patient: required(one(PatientReference)),
  dateTime: one(FhirDateTime),
  organization: many(OrganisationReference, maximumOrganisations),
  policyRule: one(Type.Object({})),
}
const consentOfR5: Shape = {
  ...common,
  category: many(Type.Object({})),
  subject: required(one(PatientReference)),
  date: one(FhirDateTime),
  period: one(Period),
  manager: many(OrganisationReference, maximumOrganisations),
  controller: many(OrganisationReference, maximumOrganisations),
  regulatoryBasis: many(Type.Object({})),
  decision: one(effects),
}

const schemaOf = (shape: Shape, more: Readonly<Record<string, TSchema>> = {}): TSchema =>
  Type.Object({
    ...Object.fromEntries(
      Object.entries(shape).map(([name, { schema, isList, isRequired, maximum }]) => {
        const bounds = { minItems: 1, ...(Number.isFinite(maximum) && { maxItems: maximum }) }
        const member = isList ? Type.Array(schema, bounds) : schema
        return [name, isRequired ? member : Type.Optional(member)]
      }),
    ),
    ...more,
  })

const below = Type.Optional(
  Type.Array(Type.Object({}, { description: 'Like the provision that it is in; up to eight levels.' }), {
    maxItems: 200,
  }),
)

/** A Consent as `POST /fhir/Consent` takes it. Other members are kept if FHIR has them, and refused if they could matter. */
export const ConsentBody = Type.Union([
  Type.Intersect(
    [schemaOf(consentOfR4, { provision: Type.Optional(schemaOf(provisionOfR4, { provision: below })) })],
    {
      title: 'Consent of FHIR R4',
    },
  ),
  Type.Intersect(
    [
      schemaOf(consentOfR5, {
        provision: Type.Optional(
          Type.Array(schemaOf(provisionOfR5, { provision: below }), { maxItems: 200 }),
        ),
      }),
    ],
    { title: 'Consent of FHIR R5' },
  ),
])

const { resourceType, status } = common

/** What a revocation reads of a Consent, of either dialect. */
export const RevokedConsentBody = Type.Union([
  schemaOf({ resourceType, status, patient: required(one(PatientReference)) }),
  schemaOf({ resourceType, status, subject: required(one(PatientReference)) }),
])

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is wrong with the form of a Consent: all of it, by FHIR's paths and without any value that was sent. */
export function formFaults(consent: unknown, isR5: boolean): Fault[] {
  if (!isObject(consent)) return [{ path: 'Consent', text: 'must be an object' }]
  const head = faultsOf(consent, isR5 ? consentOfR5 : consentOfR4, 'Consent')
  return [...head, ...provisionFaults(consent, isR5)]
}

/** Likewise of one that is to be revoked: nobody is kept from that by the rest. */
export function revocationFaults(consent: unknown, isR5: boolean): Fault[] {
  if (!isObject(consent)) return [{ path: 'Consent', text: 'must be an object' }]
  const { patient, subject } = { ...consentOfR4, ...consentOfR5 }
  const about: Shape = isR5 ? { subject: subject as Member } : { patient: patient as Member }
  return faultsOf(consent, { resourceType, status, ...about }, 'Consent')
}

interface Located {
  readonly value: unknown
  readonly path: string
}

/** Deeper and more than that is refused as a whole. */
const maximum = { depth: 8, provisions: 200 } as const

function provisionFaults({ provision: given }: Json, isR5: boolean): Fault[] {
  const shape = isR5 ? provisionOfR5 : provisionOfR4
  const faults: Fault[] = []
  let level: Located[] = isR5
    ? itemsOf(given, 'Consent.provision', faults)
    : given === undefined
      ? []
      : [{ value: given, path: 'Consent.provision' }]
  for (let depth = 1; depth <= maximum.depth && level.length > 0; depth += 1) {
    for (const { value, path } of level.slice(0, maximum.provisions)) {
      faults.push(...(isObject(value) ? faultsOf(value, shape, path) : [{ path, text: 'must be an object' }]))
    }
    level = level.flatMap(({ value, path }) =>
      isObject(value) ? itemsOf(value['provision'], `${path}.provision`, faults) : [],
    )
  }
  return faults
}

function itemsOf(value: unknown, path: string, faults: Fault[]): Located[] {
  if (value === undefined) return []
  if (Array.isArray(value))
    return value.map((item: unknown, index) => ({ value: item, path: `${path}[${index}]` }))
  faults.push({ path, text: 'must be a list' })
  return []
}

const faultsOf = (value: Json, shape: Shape, path: string): Fault[] =>
  Object.entries(shape).flatMap(([name, member]) => memberFaults(value[name], member, `${path}.${name}`))

function memberFaults(value: unknown, member: Member, path: string): Fault[] {
  const { isList, isRequired, maximum: most, validator } = member
  if (value === undefined) return isRequired ? [{ path, text: 'is missing' }] : []
  if (!isList) return valueFaults(validator, value, path)
  if (!Array.isArray(value)) return [{ path, text: 'must be a list' }]
  if (value.length === 0) return [{ path, text: 'is an empty list' }]
  if (value.length > most) return [{ path, text: `has more than ${most} items` }]
  return value.flatMap((item, index) => valueFaults(validator, item, `${path}[${index}]`))
}

function valueFaults(validator: Validator, value: unknown, path: string): Fault[] {
  if (validator.Check(value)) return []
  const faults = validator.Errors(value).flatMap((error) => {
    const at = path + pathOf(error.instancePath)
    if (error.keyword !== 'required') return [{ path: at, text: wordsOf(error) }]
    return error.params.requiredProperties.map((name) => ({ path: `${at}.${name}`, text: 'is missing' }))
  })
  // A literal that is of another type is told twice.
  return [...new Map(faults.map((fault) => [fault.path, fault])).values()]
}

/** `/coding/0/code` as `.coding[0].code`: names of ours, since only members that are known are looked at. */
const pathOf = (pointer: string): string => pointer.replaceAll(/\/(\d+)/g, '[$1]').replaceAll('/', '.')

type Told = ReturnType<Validator['Errors']>[number]

const types: Readonly<Record<string, string>> = { object: 'an object', array: 'a list', string: 'a text' }

function wordsOf(error: Told): string {
  if (error.keyword === 'type') return `must be ${types[String(error.params.type)] ?? 'of another type'}`
  if (error.keyword === 'enum') return `must be one of ${error.params.allowedValues.map(String).join(', ')}`
  if (error.keyword === 'const') return `must be ${String(error.params.allowedValue)}`
  if (error.keyword === 'minItems' || error.keyword === 'minLength') return 'is empty'
  return 'is not well formed'
}
