import type { Directive, Effect, Rule } from '../directive.ts'
import { firstInstant } from '../period.ts'
import { consentScope, otherCategories, privacyCategories } from '../tables/consent.ts'
import { actCode } from '../tables/labels.ts'
import { no, unknown, yes, type Truth } from '../truth.ts'
import { codeKey, codingsOf } from './coding.ts'
import { isObject, listOf, type Json } from './json.ts'
import type { IsPatient } from './patient.ts'
import { attributesOf, periodOf, reportsOthers, type Place } from './provision.ts'
import { toLiteral } from './reference.ts'

/** What a Consent may have at the most. */
export const consentLimits = { depth: 8, provisions: 200 } as const

/** What a FHIR Consent is to the decision. */
export type Reading =
  | { readonly kind: 'directive'; readonly directive: Directive }
  /** It takes no part, whatever is asked. */
  | { readonly kind: 'none'; readonly because: 'not-active' | 'other-scope' | 'other-patient' }
  /** It is nested too deeply or has too many provisions. */
  | { readonly kind: 'too-large' }

interface Given extends Pick<Place, 'zone' | 'resolve'> {
  readonly isPatient: IsPatient
}

/**
 * Maps a FHIR Consent, R4 or R5, to the ledger's own form. What is not understood is kept as such and listed in `unclear`:
 * it still denies in a deny and does not permit in a permit.
 */
export function readConsent(id: string, resource: Json, { isPatient, ...given }: Given): Reading {
  if (resource['status'] !== 'active') return { kind: 'none', because: 'not-active' }
  const dialect = dialectOf(resource)
  const scope = dialect.scope(resource)
  if (scope === no) return { kind: 'none', because: 'other-scope' }
  const about = isPatient(resource[dialect.patient])
  if (about === no) return { kind: 'none', because: 'other-patient' }
  if (isTooLarge(resource['provision'])) return { kind: 'too-large' }
  const unclear: string[] = []
  if (scope === unknown) unclear.push(`Consent.${dialect.scopeName}`)
  if (about === unknown) unclear.push(`Consent.${dialect.patient}`)
  return { kind: 'directive', directive: toDirective(id, resource, dialect, { ...given, unclear }) }
}

function toDirective(
  consent: string,
  resource: Json,
  dialect: Dialect,
  { unclear, ...given }: Pick<Place, 'zone' | 'resolve'> & { readonly unclear: string[] },
): Directive {
  const place: Place = { ...given, path: 'Consent', report: (path) => unclear.push(path) }
  reportsOthers(resource, dialect.members, place)
  // Whatever is not understood of the Consent itself concerns all its rules.
  const isUnclear = unclear.length > 0
  const root = dialect.root(resource, place)
  const when = firstInstant(resource[dialect.date], given.zone)
  const supersedes = supersededBy(resource)
  return {
    consent,
    root: isUnclear ? { ...root, unclear: true } : root,
    ...(when !== undefined && { given: when }),
    ...(supersedes.length > 0 && { supersedes }),
    ...(unclear.length > 0 && { unclear: [...new Set(unclear)] }),
  }
}

interface Dialect {
  readonly patient: string
  readonly date: string
  readonly scopeName: string
  /** Whether the resource is about privacy. */
  readonly scope: (resource: Json) => Truth
  readonly members: ReadonlySet<string>
  readonly root: (resource: Json, place: Place) => Rule
}

const common =
  'resourceType id meta language text contained extension identifier status category sourceAttachment sourceReference ' +
  'verification provision'

/** R4: the root provision is the rule, and every rule says its own effect. */
const r4: Dialect = {
  patient: 'patient',
  date: 'dateTime',
  scopeName: 'scope',
  scope: ({ scope }) => {
    const codes = codingsOf(scope).map(codeKey)
    if (codes.includes(`${consentScope}|patient-privacy`)) return yes
    return codes.length > 0 && codes.every((code) => otherCategories.has(code)) ? no : unknown
  },
  members: new Set(`${common} scope patient dateTime performer organization policy policyRule`.split(' ')),
  root: ({ provision, policyRule }, place) => {
    const byPolicy = effectOfPolicy(policyRule)
    if (provision === undefined) return { effect: byPolicy }
    const at = { ...place, path: 'Consent.provision' }
    if (!isObject(provision)) return unreadable(at)
    return typedRule(provision, at, provision['type'] === undefined ? byPolicy : undefined)
  },
}

/** R5: rules have no effect of their own, each negates the one above, beginning with the decision. */
const r5: Dialect = {
  patient: 'subject',
  date: 'date',
  scopeName: 'category',
  scope: ({ category }) => {
    const codes = listOf(category).flatMap(codingsOf).map(codeKey)
    if (codes.some((code) => privacyCategories.has(code))) return yes
    const isCoded = listOf(category).every((concept) => codingsOf(concept).length > 0)
    return codes.length > 0 && isCoded && codes.every((code) => otherCategories.has(code)) ? no : unknown
  },
  members: new Set(
    `${common} subject date period grantor grantee manager controller regulatoryBasis policyBasis policyText decision`.split(
      ' ',
    ),
  ),
  root: ({ decision, provision, period }, place) => {
    const isKnown = decision === 'permit' || decision === 'deny'
    if (!isKnown) place.report('Consent.decision')
    const effect = decision === 'permit' ? 'permit' : 'deny'
    const validity = periodOf(period, { ...place, path: 'Consent.period' })
    const rules = negatedRules(provision, effect, { ...place, path: 'Consent.provision' })
    return {
      effect,
      ...validity,
      ...(!isKnown && { unclear: true as const }),
      ...(rules.length > 0 && { rules }),
    }
  },
}

const marksOfR5 = ['decision', 'subject', 'grantor', 'grantee', 'policyBasis', 'regulatoryBasis'] as const

/** Whether a Consent is of FHIR R5: by members that only R5 has. */
export const isR5 = (resource: Json): boolean =>
  Array.isArray(resource['provision']) || marksOfR5.some((name) => resource[name] !== undefined)

const dialectOf = (resource: Json): Dialect => (isR5(resource) ? r5 : r4)

/** The effect of an untyped root: OPTIN permits, anything else denies. */
function effectOfPolicy(policyRule: unknown): Effect {
  const codes = codingsOf(policyRule)
  return codes.length > 0 && codes.every(({ system, code }) => system === actCode && code === 'OPTIN')
    ? 'permit'
    : 'deny'
}

const attributes = 'period actor action securityLabel purpose code dataPeriod data provision'
const membersOfR4 = new Set(`${attributes} type class`.split(' '))
const membersOfRendering = new Set([...membersOfR4, 'documentType'])
const membersOfR5 = new Set(`${attributes} documentType resourceType`.split(' '))

function typedRule(given: Json, at: Place, byPolicy?: Effect): Rule {
  const { type } = given
  const documentType = documentTypesIn(given)
  const members = documentType === undefined ? membersOfR4 : membersOfRendering
  const { modifierExtension: _read, ...rest } = given
  const provision = documentType === undefined ? given : { ...rest, documentType }
  const effect = byPolicy ?? (type === 'permit' ? 'permit' : 'deny')
  if (byPolicy === undefined && type !== 'permit' && type !== 'deny') at.report(`${at.path}.type`)
  const inner = { ...at, path: `${at.path}.provision` }
  const below = childrenOf(provision['provision'], inner, (child, place) => typedRule(child, place))
  return ruleOf(provision, effect, below, { ...at, members })
}

/**
 * The modifier by which an R4 Consent says what R4 has no element for, a type of document beside types of resource: FHIR's
 * extension for R5's `provision.documentType`. It narrows, so that who does not know it must not apply the provision.
 */
export const documentTypeExtension =
  'http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.provision.documentType'

/** The types of document of an R4 provision; undefined when it has none, or another modifier that is not understood. */
function documentTypesIn({ modifierExtension, documentType }: Json): unknown[] | undefined {
  const items = listOf(modifierExtension)
  const types = items.flatMap((item) =>
    isObject(item) && item['url'] === documentTypeExtension && Object.keys(item).length === 2
      ? (item['valueCoding'] ?? [])
      : [],
  )
  return items.length > 0 && types.length === items.length && documentType === undefined ? types : undefined
}

const negatedRules = (provisions: unknown, above: Effect, at: Place): Rule[] =>
  childrenOf(provisions, at, (provision, place) => {
    const effect = above === 'permit' ? 'deny' : 'permit'
    const below = negatedRules(provision['provision'], effect, { ...place, path: `${place.path}.provision` })
    return ruleOf(provision, effect, below, { ...place, members: membersOfR5 })
  })

function ruleOf(
  provision: Json,
  effect: Effect,
  rules: readonly Rule[],
  { members, ...at }: Place & { readonly members: ReadonlySet<string> },
): Rule {
  const isOdd = reportsOthers(provision, members, at)
  const { unclear, ...found } = attributesOf(provision, effect, at)
  return {
    effect,
    ...found,
    ...((unclear || isOdd) && { unclear: true as const }),
    ...(rules.length > 0 && { rules }),
  }
}

/** What stands where provisions should and is none denies. */
function childrenOf(value: unknown, at: Place, map: (child: Json, place: Place) => Rule): Rule[] {
  if (value === undefined) return []
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  return items.map((item, index) => {
    const place = { ...at, path: `${at.path}[${index}]` }
    return isObject(item) ? map(item, place) : unreadable(place)
  })
}

function unreadable({ path, report }: Place): Rule {
  report(path)
  return { effect: 'deny', unclear: true }
}

function isTooLarge(provision: unknown): boolean {
  let level = listOf(provision)
  let count = 0
  for (let depth = 1; level.length > 0; depth++) {
    count += level.length
    if (depth > consentLimits.depth || count > consentLimits.provisions) return true
    level = level.flatMap((item) => (isObject(item) ? listOf(item['provision']) : []))
  }
  return false
}

/** Extensions by which a Consent names those that it replaces. */
const replacing: ReadonlySet<unknown> = new Set([
  'urn:medledger:supersedes',
  'http://hl7.org/fhir/StructureDefinition/replaces',
])

function supersededBy({ extension }: Json): string[] {
  return listOf(extension).flatMap((item) => {
    if (!isObject(item) || !replacing.has(item['url'])) return []
    const { valueReference, valueUri, valueCanonical } = item
    const named = isObject(valueReference) ? valueReference['reference'] : (valueUri ?? valueCanonical)
    const literal = toLiteral(named)
    return literal?.startsWith('Consent/') ? [literal.slice('Consent/'.length)] : []
  })
}
