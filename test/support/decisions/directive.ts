import { type Answer, allOf, anyOf } from './answer.ts'
import type { Coding, Consent, DecisionCase, Provision } from './case.ts'
import { actCode, consentScope, isAmong, otherCategories, privacyCategories } from './codes.ts'
import { spanOf, spanOfPeriod } from './dates.ts'
import { isPatient, localReference } from './references.ts'
import { hasUnderstoodValues } from './understood.ts'

/** A rule and the rules within it, the two dialects made alike. */
export interface Rule {
  readonly effect: 'permit' | 'deny'
  readonly attributes: Provision
  /** Something about it cannot be understood. */
  readonly unsure: boolean
  /** Whether it says itself what its effect is, or its dialect does. */
  readonly hasEffect: boolean
  readonly within: readonly Rule[]
}

/** A consent that takes part. */
export interface Directive {
  readonly id: string
  /** Whether it is sure to be of privacy, of this patient, and understood. */
  readonly applies: Answer
  readonly issued: number
  readonly root: Rule
  readonly consent: Consent
}

const common = ['resourceType', 'id', 'meta', 'language', 'text', 'contained', 'extension']
const ofBoth = ['identifier', 'status', 'category', 'provision', 'verification']
const rootMembers = {
  R4: ['scope', 'patient', 'dateTime', 'performer', 'organization', 'policy', 'policyRule'],
  R5: ['subject', 'date', 'period', 'grantor', 'grantee', 'manager', 'controller', 'decision'],
}
const sources = {
  R4: ['sourceAttachment', 'sourceReference'],
  R5: ['sourceAttachment', 'sourceReference', 'regulatoryBasis', 'policyBasis', 'policyText'],
}
const ruleMembers = {
  R4: ['type', 'class'],
  R5: ['documentType', 'resourceType'],
}
const ofEachRule = ['id', 'extension', 'period', 'actor', 'action', 'purpose', 'securityLabel']
const ofEachRuleToo = ['code', 'data', 'dataPeriod', 'provision']

type Dialect = keyof typeof ruleMembers

export function dialectOf(consent: Consent): Dialect {
  const telling = ['decision', 'subject', 'grantor', 'grantee', 'policyBasis', 'regulatoryBasis']
  return telling.some((name) => name in consent) || Array.isArray(consent.provision) ? 'R5' : 'R4'
}

const hasOnly = (value: object, names: readonly string[]): boolean =>
  Object.keys(value).every((name) => names.includes(name))

const isUnderstoodRule = (rule: Provision, dialect: Dialect): boolean =>
  hasOnly(rule, [...ofEachRule, ...ofEachRuleToo, ...ruleMembers[dialect]])

const isUnderstoodConsent = (consent: Consent, dialect: Dialect): boolean =>
  hasOnly(consent, [...common, ...ofBoth, ...rootMembers[dialect], ...sources[dialect]])

const provisionsOf = ({ provision }: Consent): readonly Provision[] =>
  provision === undefined ? [] : [provision].flat<(Provision | readonly Provision[])[]>()

const typed = (type: string | undefined): 'permit' | 'deny' => (type === 'permit' ? 'permit' : 'deny')

function effectByPolicyRule({ policyRule }: Consent): 'permit' | 'deny' {
  const codings = policyRule?.coding ?? []
  const optsIn = ({ system, code }: Coding): boolean => system === actCode && code === 'OPTIN'
  return codings.length > 0 && codings.every(optsIn) ? 'permit' : 'deny'
}

function ruleOfR4(attributes: Provision, effect: 'permit' | 'deny', isRoot: boolean): Rule {
  return {
    effect,
    attributes,
    unsure: !isUnderstoodRule(attributes, 'R4'),
    hasEffect: attributes.type === undefined ? isRoot : ['permit', 'deny'].includes(attributes.type),
    within: (attributes.provision ?? []).map((inner) => ruleOfR4(inner, typed(inner.type), false)),
  }
}

function ruleOfR5(attributes: Provision, effect: 'permit' | 'deny'): Rule {
  const opposite = effect === 'permit' ? 'deny' : 'permit'
  return {
    effect,
    attributes,
    unsure: !isUnderstoodRule(attributes, 'R5'),
    hasEffect: true,
    within: (attributes.provision ?? []).map((inner) => ruleOfR5(inner, opposite)),
  }
}

function rootOf(consent: Consent): Rule {
  if (dialectOf(consent) === 'R4') {
    const root = provisionsOf(consent)[0] ?? {}
    return ruleOfR4(root, root.type === undefined ? effectByPolicyRule(consent) : typed(root.type), true)
  }
  const effect = typed(consent.decision)
  const opposite = effect === 'permit' ? 'deny' : 'permit'
  return {
    effect,
    attributes: {},
    unsure: consent.decision !== 'permit' && consent.decision !== 'deny',
    hasEffect: true,
    within: provisionsOf(consent).map((inner) => ruleOfR5(inner, opposite)),
  }
}

/** Whether a consent is about privacy: by its scope in R4, by its categories in R5. */
function isOfPrivacy(consent: Consent): Answer {
  const codings =
    dialectOf(consent) === 'R4'
      ? (consent.scope?.coding ?? [])
      : (consent.category ?? []).flatMap(({ coding }) => coding ?? [{}])
  if (codings.length === 0) return 'unknown'
  const answerOf = (coding: Coding): Answer => {
    if (isAmong(privacyCategories, coding)) return 'yes'
    return isAmong(otherCategories, coding) ? 'no' : 'unknown'
  }
  const relevant = dialectOf(consent) === 'R4' ? ofScopeOnly(codings) : codings
  return anyOf(relevant.map(answerOf))
}

/** In R4 only the scope's own system says what a scope is. */
const ofScopeOnly = (codings: readonly Coding[]): Coding[] =>
  codings.map((coding) => (coding.system === consentScope ? coding : {}))

function isWithinValidity(consent: Consent, at: number): Answer {
  const period = dialectOf(consent) === 'R4' ? provisionsOf(consent)[0]?.period : consent.period
  if (period === undefined) return 'yes'
  const span = spanOfPeriod(period)
  if (span === undefined) return 'unknown'
  return span.from <= at && at < span.to ? 'yes' : 'no'
}

function directiveOf(consent: Consent, index: number, { request, directory = [] }: DecisionCase): Directive {
  const dialect = dialectOf(consent)
  const patient = dialect === 'R4' ? consent.patient : consent.subject
  const applies = allOf([
    consent.status === 'active' ? 'yes' : 'no',
    isOfPrivacy(consent),
    isPatient(patient, request, directory),
    isWithinValidity(consent, Date.parse(request.at)),
    isUnderstoodConsent(consent, dialect) ? 'yes' : 'unknown',
  ])
  const issued = spanOf(dialect === 'R4' ? consent.dateTime : consent.date)?.from ?? -Infinity
  return { id: consent.id ?? `#${index}`, applies, issued, root: rootOf(consent), consent }
}

/** Whether nothing in a rule is beyond understanding, the effects of the rules within it included. */
const isWhollyUnderstood = ({ attributes, unsure, hasEffect, within }: Rule): boolean =>
  !unsure && hasEffect && hasUnderstoodValues(attributes) && within.every(isWhollyUnderstood)

const supersedes: ReadonlySet<string> = new Set([
  'urn:medledger:supersedes',
  'http://hl7.org/fhir/StructureDefinition/replaces',
])

/** The ids of the consents that a consent says it stands in the place of. */
const namedBy = ({ consent }: Directive): string[] =>
  (consent.extension ?? [])
    .filter(({ url }) => supersedes.has(url))
    .map((named) => named.valueReference?.reference ?? named.valueUri ?? named.valueCanonical ?? '')
    .map((reference) => localReference(reference)?.replace(/^Consent\//, '') ?? '')

/** Whether one consent leads to another by naming what it supersedes, over others too. */
function leadsTo(from: string, to: string, all: readonly Directive[], seen: readonly string[] = []): boolean {
  if (seen.includes(from)) return false
  const named = all.filter(({ id }) => id === from).flatMap(namedBy)
  return named.includes(to) || named.some((next) => leadsTo(next, to, all, [...seen, from]))
}

/** The consents that take part in a decision. */
export function directivesOf(input: DecisionCase): Directive[] {
  const all = input.consents
    .map((consent, index) => directiveOf(consent, index, input))
    .filter(({ applies }) => applies !== 'no')
  const entitled = all.filter(({ applies, root }) => applies === 'yes' && isWhollyUnderstood(root))
  const isSuperseded = ({ id }: Directive): boolean =>
    entitled.some((newer) => namedBy(newer).includes(id) && !leadsTo(id, newer.id, entitled))
  return all.filter((directive) => !isSuperseded(directive))
}
