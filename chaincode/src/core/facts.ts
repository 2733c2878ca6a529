import type { Actor, Directive, DocumentType } from './directive.ts'
import { firstInstant, lastInstant } from './period.ts'
import { purposesOfUse, roles } from './vocabulary.ts'

/** All that a decision may depend on; it has no clock and reads nothing. */
export interface Facts {
  /** The instant of the decision, in milliseconds since 1970 (UTC). */
  readonly at: number
  readonly purpose: string
  readonly asker: Asker
  readonly patient: string
  /** Name of the organisation that holds the records. */
  readonly custodian: string
  readonly directives: readonly Directive[]
  readonly defaultPolicy: DefaultPolicy
  readonly records: readonly RecordFacts[]
}

export type DefaultPolicy = 'deny' | 'basic-normal'

export interface Asker {
  readonly kind: 'person' | 'patient'
  readonly id: string
  readonly role: string
  readonly organisation: string
}

export interface RecordFacts {
  readonly id: string
  readonly type: { readonly system: string; readonly code: string }
  readonly author?: string
}

/** A directive, a choice of default policy, or everything about the resource that this version cannot understand. */
export type Mapped =
  | { readonly kind: 'directive'; readonly directive: Directive }
  | { readonly kind: 'default-policy'; readonly defaultPolicy: DefaultPolicy }
  | { readonly kind: 'faults'; readonly faults: readonly string[] }

/** The system of the roles that {@link toDirective} knows as an actor's identifier. */
export const roleSystem = 'urn:medledger:role'

/** The system of the codes with which a Consent's `policyRule` chooses a default policy. */
export const defaultPolicySystem = 'urn:medledger:default-policy'

const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'
const scopeSystem = 'http://terminology.hl7.org/CodeSystem/consentscope'
const participationType = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType'

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether `value` is an object without members beyond those that are understood. */
const hasOnly = (value: unknown, known: readonly string[]): value is Json =>
  isObject(value) && Object.keys(value).every((member) => known.includes(member))

/** Members that FHIR R4 has and we do not understand where they stand: a fault may name these, and no invented ones. */
const namesOfFhir: ReadonlySet<string> = new Set(
  (
    'action actor class code contained data dataPeriod dateTime end extension identifier implicitRules language ' +
    'modifierExtension performer period policy policyRule provision purpose securityLabel sourceAttachment ' +
    'sourceReference start text type verification'
  ).split(' '),
)

/**
 * Reports every member of `value` that is not in `known`: nothing that could narrow a directive is dropped silently. What
 * somebody has made up may be about a person, and is not repeated.
 */
function unknownMembers(value: Json, path: string, known: readonly string[]): string[] {
  return Object.keys(value)
    .filter((member) => !known.includes(member))
    .map((member) =>
      namesOfFhir.has(member)
        ? `${path}.${member} is not understood`
        : `${path} has a member that is not understood`,
    )
}

/**
 * Maps an HL7 FHIR R4 Consent to a directive. One root provision with `type`, `period`, `actor`, `purpose`, `code`;
 * whatever else could change its meaning is a fault, because a directive must not be applied half understood.
 */
export function toDirective(consent: string, resource: Json): Mapped {
  const faults = [...unknownMembers(resource, 'Consent', consentMembers), ...headFaults(resource)]
  const provision = resource['provision']
  if (!isObject(provision)) return toDefaultPolicy(resource, faults)
  faults.push(
    ...unknownMembers(provision, 'Consent.provision', ['type', 'period', 'actor', 'purpose', 'code']),
  )
  const effect = provision['type']
  if (effect !== 'permit' && effect !== 'deny') faults.push('Consent.provision.type must be permit or deny')
  const actors = mapEach(provision['actor'], 'Consent.provision.actor', toActor, faults)
  const purposes = mapEach(provision['purpose'], 'Consent.provision.purpose', toPurpose, faults)
  const types = mapEach(provision['code'], 'Consent.provision.code', codingsOf, faults)?.flat()
  const period = toPeriod(provision['period'], faults)
  if (faults.length > 0) return { kind: 'faults', faults }
  return {
    kind: 'directive',
    directive: {
      consent,
      effect: effect === 'permit' ? 'permit' : 'deny',
      ...(actors && { actors }),
      ...(purposes && { purposes }),
      ...(types && { types }),
      ...period,
    },
  }
}

/** A Consent without a provision chooses the policy for when no directive applies, as its `policyRule`. */
function toDefaultPolicy(resource: Json, faults: string[]): Mapped {
  if (resource['provision'] !== undefined) faults.push('Consent.provision is not understood')
  const codes = codesOf(resource['policyRule'], defaultPolicySystem)
  const [code] = codes
  if (codes.length === 1 && (code === 'deny' || code === 'basic-normal') && faults.length === 0) {
    return { kind: 'default-policy', defaultPolicy: code }
  }
  return { kind: 'faults', faults: [...faults, 'Consent.provision is missing'] }
}

/**
 * Members without a bearing on the decision, or checked by {@link headFaults}. Every R4 Consent has a policy or a
 * policyRule (invariant ppc-1); a rule's own type counts before it.
 */
const consentMembers = [
  'resourceType',
  'id',
  'meta',
  'language',
  'text',
  'identifier',
  'status',
  'scope',
  'category',
  'patient',
  'dateTime',
  'performer',
  'organization',
  'sourceAttachment',
  'policyRule',
  'provision',
]

function headFaults(resource: Json): string[] {
  const faults: string[] = []
  if (resource['resourceType'] !== 'Consent') faults.push('resourceType must be Consent')
  if (resource['status'] !== 'active') faults.push('Consent.status must be active')
  if (!codesOf(resource['scope'], scopeSystem).includes('patient-privacy')) {
    faults.push(`Consent.scope must be patient-privacy of ${scopeSystem}`)
  }
  const choosesDefault = codesOf(resource['policyRule'], defaultPolicySystem).length > 0
  if (choosesDefault && resource['provision'] !== undefined) {
    faults.push('Consent.policyRule chooses a default policy, which a Consent with a provision cannot')
  }
  return faults
}

/** A concept's codes in one system; what is in others is not asked for. */
function codesOf(concept: unknown, system: string): string[] {
  const codings: unknown = isObject(concept) ? concept['coding'] : undefined
  if (!Array.isArray(codings)) return []
  return codings.flatMap((coding: unknown) =>
    isObject(coding) && coding['system'] === system && typeof coding['code'] === 'string'
      ? [coding['code']]
      : [],
  )
}

function mapEach<Value>(
  value: unknown,
  path: string,
  map: (item: unknown) => Value | undefined,
  faults: string[],
): Value[] | undefined {
  if (value === undefined) return undefined
  const items: unknown[] = Array.isArray(value) ? value : []
  const mapped = items.map(map).filter((item) => item !== undefined)
  // An empty list would read as "no constraint", the opposite of what a list that could not be understood means.
  if (items.length === 0 || mapped.length < items.length) faults.push(`${path} is not understood`)
  return mapped
}

const personReference = /^Practitioner\/([0-9a-f]{32})$/
const organisationReference = /^Organization\/([a-z][a-z0-9]{1,15})$/

function toActor(item: unknown): Actor | undefined {
  // The role in which somebody acts narrows an actor by rules of its own; only "information recipient" is implied.
  if (!hasOnly(item, ['role', 'reference'])) return undefined
  if (item['role'] !== undefined && !isRecipientRole(item['role'])) return undefined
  const reference = item['reference']
  if (!hasOnly(reference, ['reference', 'identifier', 'display'])) return undefined
  const { reference: target, identifier } = reference
  if (identifier === undefined) return typeof target === 'string' ? toReferredActor(target) : undefined
  return target === undefined ? toRoleActor(identifier) : undefined
}

const isRecipientRole = (role: unknown): boolean =>
  codingsOf(role)?.every(
    ({ system, code }) => code === 'IRCP' && (system === undefined || system === participationType),
  ) === true

function toRoleActor(identifier: unknown): Actor | undefined {
  if (!hasOnly(identifier, ['system', 'value']) || identifier['system'] !== roleSystem) return undefined
  const role = roles.find((known) => known === identifier['value'])
  return role === undefined ? undefined : { role }
}

function toReferredActor(reference: string): Actor | undefined {
  const person = personReference.exec(reference)?.[1]
  if (person !== undefined) return { person }
  const organisation = organisationReference.exec(reference)?.[1]
  return organisation === undefined ? undefined : { organisation }
}

function toPurpose(item: unknown): string | undefined {
  const coding = toCoding(item)
  return coding?.system === actReason && (purposesOfUse as readonly string[]).includes(coding.code)
    ? coding.code
    : undefined
}

/** The codings of a concept; undefined when any of it is not understood: to drop one would narrow a deny. */
function codingsOf(concept: unknown): DocumentType[] | undefined {
  if (!hasOnly(concept, ['coding', 'text']) || !Array.isArray(concept['coding'])) return undefined
  const given: unknown[] = concept['coding']
  const codings = given.map(toCoding).filter((coding) => coding !== undefined)
  return codings.length > 0 && codings.length === given.length ? codings : undefined
}

function toCoding(value: unknown): DocumentType | undefined {
  if (!hasOnly(value, ['system', 'code', 'display', 'userSelected'])) return undefined
  const { system, code } = value
  if (typeof code !== 'string' || code === '') return undefined
  if (system === undefined) return { code }
  return typeof system === 'string' ? { system, code } : undefined
}

function toPeriod(value: unknown, faults: string[]): { start?: number; end?: number } {
  if (value === undefined) return {}
  const path = 'Consent.provision.period'
  if (!isObject(value) || Object.keys(value).length === 0) {
    faults.push(`${path} is not understood`)
    return {}
  }
  faults.push(...unknownMembers(value, path, ['start', 'end']))
  const limit = (name: 'start' | 'end', instant: typeof firstInstant): number | undefined => {
    const found = value[name] === undefined ? undefined : instant(value[name])
    if (found === undefined && value[name] !== undefined)
      faults.push(`${path}.${name} is not a FHIR dateTime`)
    return found
  }
  const start = limit('start', firstInstant)
  const end = limit('end', lastInstant)
  // A deny that can never apply would protect nobody (FHIR R4, invariant per-1).
  if ((start ?? -Infinity) > (end ?? Infinity)) faults.push(`${path} ends before it starts`)
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) }
}
