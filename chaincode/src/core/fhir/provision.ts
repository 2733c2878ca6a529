import {
  notUnderstood,
  type Actor,
  type Class,
  type Code,
  type DataReference,
  type Effect,
  type Labels,
  type Rule,
} from '../directive.ts'
import { firstInstant, lastInstant } from '../period.ts'
import { actions, consentAction, meanings, recipientRoles, resourceTypeSystems } from '../tables/consent.ts'
import { actCode, confidentialities, confidentialitySystem, isSensitivity } from '../tables/labels.ts'
import { actReason, isPurpose } from '../tables/purposes.ts'
import { isResourceType } from '../tables/resource-types.ts'
import { codeKey, codingsOf, toCoding, type Coding } from './coding.ts'
import { isObject, listOf, type Json } from './json.ts'
import { toTarget } from './reference.ts'

/** Collects where something is not understood: a path of FHIR's own names, never a value, which may be about a person. */
export type Report = (path: string) => void

export interface Place {
  readonly path: string
  readonly report: Report
  /** The zone in which days begin and end. */
  readonly zone: string
  /** `Type/id` of whom an identifier names, as far as that is known. */
  readonly resolve?: (identifier: string) => string | undefined
}

/** Members that every element may have and that do not change what it means (FHIR R4, 2.4.1). */
const neutral: ReadonlySet<string> = new Set(['id', 'extension'])

/** Reports every member of `value` that is not in `known`; true if there was one. */
export function reportsOthers(value: Json, known: ReadonlySet<string>, { path, report }: Place): boolean {
  let found = false
  for (const member of Object.keys(value)) {
    // A primitive's own extensions stand beside it under its name with an underscore.
    const name = member.startsWith('_') ? member.slice(1) : member
    if (known.has(name) || neutral.has(name)) continue
    found = true
    // What somebody has made up may be about a person, and is not repeated.
    report(namesOfFhir.has(member) ? `${path}.${member}` : `${path}.(unknown member)`)
  }
  return found
}

const namesOfFhir: ReadonlySet<string> = new Set(
  (
    'action actor class code contained data dataPeriod dateTime decision documentType end expression grantee grantor ' +
    'identifier implicitRules manager controller meaning modifierExtension performer period policy policyBasis policyRule ' +
    'policyText provision purpose reference regulatoryBasis resourceType role securityLabel scope sourceAttachment ' +
    'sourceReference start subject text type verification'
  ).split(' '),
)

/** The attributes of a provision, without its effect and what is below it. Whatever is not understood is reported. */
export function attributesOf(provision: Json, effect: Effect, place: Place): Omit<Rule, 'effect' | 'rules'> {
  const each = <Value>(
    name: string,
    map: (item: unknown, at: Place) => Value | readonly Value[] | typeof notUnderstood,
  ): (Value | typeof notUnderstood)[] | undefined => eachOf(provision, name, map, place)
  const actors = each('actor', toActor)?.map((actor) =>
    actor === notUnderstood ? { role: notUnderstood } : actor,
  )
  const data = each('data', toData)?.map((item) =>
    item === notUnderstood ? ({ meaning: notUnderstood, reference: '' } as const) : item,
  )
  const labels = each('securityLabel', toLabel)
  const attributes = {
    actors,
    purposes: each('purpose', toPurpose),
    actions: each('action', toActions),
    classes: each('class', toClass) ?? each('resourceType', toResourceType),
    documents: each('documentType', (item) => toCoding(item) ?? notUnderstood),
    codes: each('code', toCodes),
    data,
    labels: labels && labelsOf(labels, effect),
    ...periodOf(provision['period'], { ...place, path: `${place.path}.period` }),
  }
  const dated = provision['dataPeriod']
  const span =
    dated === undefined ? undefined : periodOf(dated, { ...place, path: `${place.path}.dataPeriod` })
  const { unclear: isDateUnclear, ...bounds } = span ?? {}
  return withoutAbsent({
    ...attributes,
    dated: span && !isDateUnclear ? bounds : undefined,
    unclear: attributes.unclear ?? isDateUnclear,
  })
}

type Present<Value> = { [Name in keyof Value]?: Exclude<Value[Name], undefined> }

/** Absent attributes are no constraints and take no room. */
function withoutAbsent<Value extends object>(value: Value): Present<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Present<Value>
}

function eachOf<Value>(
  provision: Json,
  name: string,
  map: (item: unknown, at: Place) => Value | readonly Value[] | typeof notUnderstood,
  place: Place,
): (Value | typeof notUnderstood)[] | undefined {
  const value = provision[name]
  if (value === undefined) return undefined
  const at = { ...place, path: `${place.path}.${name}` }
  // An empty list would read as "no constraint", the opposite of what a list that is not understood means.
  const items: unknown[] = Array.isArray(value) && value.length > 0 ? value : [undefined]
  const values = items.flatMap((item) => {
    const mapped = map(item, at)
    if (mapped === notUnderstood) at.report(at.path)
    return mapped
  })
  // To say the same twice changes nothing, and takes room.
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()]
}

const actorMembers = new Set(['role', 'reference'])

function toActor(item: unknown, at: Place): Actor | typeof notUnderstood {
  if (!isObject(item) || reportsOthers(item, actorMembers, at)) return notUnderstood
  const roles = codingsOf(item['role']).map(({ code }) => code)
  if (namesNobody(item['reference'])) return toRole(roles)
  const target = toTarget(item['reference'])
  if (target.reference === undefined && target.identifier === undefined) return notUnderstood
  const isPlain = item['role'] === undefined || roles.some((code) => recipientRoles.has(code))
  return isPlain ? target : { ...target, role: roles[0] ?? notUnderstood }
}

/** By which R4, where an actor must have a reference, says that a role alone is meant (FHIR R4, data-absent-reason). */
export const noReference = {
  extension: [
    { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'not-applicable' },
  ],
} as const

function namesNobody(reference: unknown): boolean {
  if (!isObject(reference)) return reference === undefined
  const [extension, ...others] = listOf(reference['extension'])
  const [absent] = noReference.extension
  const isAbsent =
    isObject(extension) && extension['url'] === absent.url && extension['valueCode'] === absent.valueCode
  return isAbsent && others.length === 0 && Object.keys(reference).length === 1
}

/** A role alone: whoever receives information is anybody. */
function toRole(roles: readonly string[]): Actor | typeof notUnderstood {
  const [role] = roles
  if (role === undefined) return notUnderstood
  return roles.includes('IRCP') ? { anybody: true } : { role }
}

function toPurpose(item: unknown): string {
  const coding = toCoding(item)
  if (coding === undefined) return notUnderstood
  const { system = actReason, code } = coding
  if (system !== actReason) return codeKey({ system, code })
  return isPurpose(code) ? code : notUnderstood
}

/** Several codings of one concept say the same in other words: those that are understood count. */
function toActions(item: unknown): string[] | typeof notUnderstood {
  const known = codingsOf(item).filter(
    ({ system = consentAction, code }) => system === consentAction && actions.includes(code),
  )
  return known.length > 0 ? known.map(({ code }) => code) : notUnderstood
}

function toCodes(item: unknown): Exclude<Code, typeof notUnderstood>[] | typeof notUnderstood {
  const codings = codingsOf(item)
  return codings.length > 0 ? codings : notUnderstood
}

function toClass(item: unknown): Class {
  const coding = toCoding(item)
  if (coding === undefined) return notUnderstood
  const { system } = coding
  return system === undefined || isResourceTypeSystem(system) ? toResource(coding) : coding
}

function toResourceType(item: unknown): Class {
  const coding = toCoding(item)
  return coding === undefined ? notUnderstood : toResource(coding)
}

const toResource = ({ code }: Coding): Class => (isResourceType(code) ? { resource: code } : notUnderstood)
const isResourceTypeSystem = (system: string): boolean =>
  (resourceTypeSystems as readonly string[]).includes(system)

const dataMembers = new Set(['meaning', 'reference'])

function toData(item: unknown, at: Place): DataReference | typeof notUnderstood {
  if (!isObject(item) || reportsOthers(item, dataMembers, at)) return notUnderstood
  const target = toTarget(item['reference'])
  const meaning = meanings.find((known) => known === item['meaning'])
  const reference =
    target.reference ?? (meaning === 'authoredby' ? authorNamed(target.identifier, at) : undefined)
  return reference === undefined || meaning === undefined ? notUnderstood : { meaning, reference }
}

const authorNamed = (identifier: string | undefined, { resolve }: Place): string | undefined =>
  identifier && (resolve?.(identifier) ?? identifier)

/** A level of confidentiality as its place in the list, a sensitivity as its code. */
function toLabel(item: unknown): number | string {
  const coding = toCoding(item)
  if (coding?.system === undefined) return notUnderstood
  const { system, code } = coding
  if (system === confidentialitySystem) {
    const level = (confidentialities as readonly string[]).indexOf(code)
    return level < 0 ? notUnderstood : level
  }
  if (system === actCode) return isSensitivity(code) ? code : notUnderstood
  return system === actReason ? notUnderstood : codeKey(coding)
}

/** A permit goes up to the highest level that it names, a deny begins with the lowest. */
function labelsOf(labels: readonly (number | string)[], effect: Effect): Labels {
  const levels = labels.filter((label) => typeof label === 'number')
  const sensitivities = labels.filter((label) => typeof label === 'string')
  const confidentiality = effect === 'permit' ? Math.max(...levels) : Math.min(...levels)
  return {
    ...(levels.length > 0 && { confidentiality }),
    ...(sensitivities.length > 0 && { sensitivities }),
  }
}

const periodMembers = new Set(['start', 'end'])

/** A period that cannot be read, or that ends before it starts, limits nothing and leaves the rule unclear. */
export function periodOf(value: unknown, place: Place): Pick<Rule, 'start' | 'end' | 'unclear'> {
  if (value === undefined) return {}
  const bounds = isObject(value) ? boundsOf(value, place.zone) : undefined
  if (bounds === undefined) {
    place.report(place.path)
    return { unclear: true }
  }
  const isOdd = isObject(value) && reportsOthers(value, periodMembers, place)
  return { ...bounds, ...(isOdd && { unclear: true as const }) }
}

function boundsOf(value: Json, zone: string): Pick<Rule, 'start' | 'end'> | undefined {
  if (Object.keys(value).length === 0) return undefined
  const bounds: { start?: number; end?: number } = {}
  for (const [name, instant] of [
    ['start', firstInstant],
    ['end', lastInstant],
  ] as const) {
    if (value[name] === undefined) continue
    const found = instant(value[name], zone)
    if (found === undefined) return undefined
    bounds[name] = found
  }
  return (bounds.start ?? -Infinity) > (bounds.end ?? Infinity) ? undefined : bounds
}
