import type { Actor, Directive, DocumentType } from './directive.ts'
import { firstInstant, lastInstant } from './period.ts'

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

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value]

/** Reports every member of `value` that is not in `known`: nothing that could narrow a directive is dropped silently. */
function unknownMembers(value: Json, path: string, known: readonly string[]): string[] {
  return Object.keys(value)
    .filter((member) => !known.includes(member))
    .map((member) => `${path}.${member.slice(0, 40)} is not understood`)
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
  const types = mapEach(provision['code'], 'Consent.provision.code', toTypes, faults)?.flat()
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
  const codes = codingsOf(resource['policyRule'])
    .filter(({ system }) => system === defaultPolicySystem)
    .map(({ code }) => code)
  const [code] = codes
  if (codes.length === 1 && (code === 'deny' || code === 'basic-normal') && faults.length === 0) {
    return { kind: 'default-policy', defaultPolicy: code }
  }
  return { kind: 'faults', faults: [...faults, 'Consent.provision is missing'] }
}

/** Members without a bearing on the decision, or checked by {@link headFaults}. */
const consentMembers = [
  'resourceType',
  'id',
  'meta',
  'language',
  'identifier',
  'status',
  'scope',
  'category',
  'patient',
  'dateTime',
  'performer',
  'organization',
  'policyRule',
  'provision',
]

function headFaults(resource: Json): string[] {
  const faults: string[] = []
  if (resource['resourceType'] !== 'Consent') faults.push('resourceType must be Consent')
  if (resource['status'] !== 'active') faults.push('Consent.status must be active')
  const scopes = codingsOf(resource['scope'])
  if (!scopes.some(({ system, code }) => code === 'patient-privacy' && system === scopeSystem)) {
    faults.push(`Consent.scope must be patient-privacy of ${scopeSystem}`)
  }
  return faults
}

function mapEach<Value>(
  value: unknown,
  path: string,
  map: (item: unknown) => Value | undefined,
  faults: string[],
): Value[] | undefined {
  if (value === undefined) return undefined
  const items = listOf(value)
  const mapped = items.map(map).filter((item) => item !== undefined)
  // An empty list would read as "no constraint", the opposite of what a list that could not be understood means.
  if (items.length === 0 || mapped.length < items.length) faults.push(`${path} is not understood`)
  return mapped
}

const personReference = /^Practitioner\/([0-9a-f]{32})$/
const organisationReference = /^Organization\/([a-z][a-z0-9]{1,15})$/

function toActor(item: unknown): Actor | undefined {
  if (!isObject(item) || !isObject(item['reference'])) return undefined
  // The role in which somebody acts narrows an actor by rules of its own; only "information recipient" is implied.
  if (Object.keys(item).some((member) => member !== 'role' && member !== 'reference')) return undefined
  if (item['role'] !== undefined && !codingsOf(item['role']).some(({ code }) => code === 'IRCP'))
    return undefined
  const reference = item['reference']
  if (typeof reference['reference'] === 'string') return toReferredActor(reference['reference'])
  const identifier = reference['identifier']
  if (!isObject(identifier) || identifier['system'] !== roleSystem) return undefined
  return typeof identifier['value'] === 'string' ? { role: identifier['value'] } : undefined
}

function toReferredActor(reference: string): Actor | undefined {
  const person = personReference.exec(reference)?.[1]
  if (person !== undefined) return { person }
  const organisation = organisationReference.exec(reference)?.[1]
  return organisation === undefined ? undefined : { organisation }
}

function toPurpose(item: unknown): string | undefined {
  if (!isObject(item) || typeof item['code'] !== 'string') return undefined
  return item['system'] === actReason ? item['code'] : undefined
}

function toTypes(item: unknown): DocumentType[] | undefined {
  const codings = codingsOf(item)
  return codings.length > 0 ? codings : undefined
}

function codingsOf(concept: unknown): DocumentType[] {
  if (!isObject(concept)) return []
  return listOf(concept['coding']).flatMap((coding) => {
    if (!isObject(coding) || typeof coding['code'] !== 'string') return []
    const system = coding['system']
    return [{ code: coding['code'], ...(typeof system === 'string' && { system }) }]
  })
}

function toPeriod(value: unknown, faults: string[]): { start?: number; end?: number } {
  if (value === undefined) return {}
  if (!isObject(value)) {
    faults.push('Consent.provision.period is not understood')
    return {}
  }
  faults.push(...unknownMembers(value, 'Consent.provision.period', ['start', 'end']))
  const limit = (name: 'start' | 'end', instant: (text: unknown) => number | undefined): object => {
    if (value[name] === undefined) return {}
    const found = instant(value[name])
    if (found === undefined) faults.push(`Consent.provision.period.${name} is not a FHIR dateTime`)
    return { [name]: found }
  }
  return { ...limit('start', firstInstant), ...limit('end', lastInstant) }
}
