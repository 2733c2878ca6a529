import type { Actor, Directive, Rule } from '../directive.ts'
import { defaultPolicies, type DefaultPolicy } from '../facts.ts'
import { yes } from '../truth.ts'
import { defaultPolicySystem, roles, roleSystem } from '../vocabulary.ts'
import { codesIn } from './coding.ts'
import { isR5, readConsent, type Reading } from './consent.ts'
import { listOf, type Json } from './json.ts'

/** A directive, a choice of default policy, or everything about the resource that is not understood. */
export type Mapped =
  | { readonly kind: 'directive'; readonly directive: Directive }
  | { readonly kind: 'default-policy'; readonly defaultPolicy: DefaultPolicy }
  | { readonly kind: 'faults'; readonly faults: readonly string[] }

/**
 * Maps a Consent, R4 or R5, that is to be recorded. Here, unlike in a decision, what is not understood is a fault: nobody is
 * to lock herself out, or believe herself protected, by a word that the ledger does not know. Days begin and end in `zone`.
 */
export function toDirective(consent: string, resource: Json, zone: string): Mapped {
  const { element, choice, codes, others } = policyChoiceOf(resource)
  const faults = headFaults(resource, others)
  const given = codes.length > 0 ? { ...resource, ...choice } : resource
  const reading = readConsent(consent, given, { isPatient: () => yes, zone })
  if (reading.kind !== 'directive')
    return { kind: 'faults', faults: [...faults, obstacles[obstacleOf(reading)]] }
  const { unclear = [], ...directive } = reading.directive
  faults.push(...unclear.map((path) => `${path} is not understood`))
  if (codes.length > 0) return toDefaultPolicy(element, codes, faults)
  faults.push(...nameFaults(directive.root, isR5(resource) ? 'Consent' : 'Consent.provision'))
  return faults.length > 0
    ? { kind: 'faults', faults: [...new Set(faults)] }
    : { kind: 'directive', directive: { ...directive, root: withDocuments(directive.root) } }
}

interface PolicyChoice {
  /** Where they stand. */
  readonly element: string
  /** The codes of default policies. */
  readonly codes: readonly string[]
  /** What the Consent, which then says no more, may leave out. */
  readonly choice: Json
  /** What it says of the matter all the same. */
  readonly others: readonly string[]
}

/** A Consent without a rule of its own may choose a default policy: by `policyRule` in R4, `regulatoryBasis` in R5. */
function policyChoiceOf(resource: Json): PolicyChoice {
  const isOfR5 = isR5(resource)
  const codes = isOfR5
    ? listOf(resource['regulatoryBasis']).flatMap((basis) => codesIn(basis, defaultPolicySystem))
    : codesIn(resource['policyRule'], defaultPolicySystem)
  const others = ['decision', 'provision'].filter((name) => codes.length > 0 && resource[name] !== undefined)
  const element = `Consent.${isOfR5 ? 'regulatoryBasis' : 'policyRule'}`
  return { element, codes, choice: isOfR5 ? { decision: 'deny' } : {}, others }
}

function toDefaultPolicy(element: string, chosen: readonly string[], faults: readonly string[]): Mapped {
  const defaultPolicy = defaultPolicies.find((policy) => chosen.length === 1 && policy === chosen[0])
  if (defaultPolicy !== undefined && faults.length === 0) return { kind: 'default-policy', defaultPolicy }
  const choice =
    defaultPolicy === undefined ? [`${element} must be one of ${defaultPolicies.join(', ')}`] : []
  return { kind: 'faults', faults: [...faults, ...choice] }
}

type Refused = Exclude<Reading, { kind: 'directive' }>
type ObstacleName = Extract<Refused, { kind: 'none' }>['because'] | 'too-large'

const obstacleOf = (reading: Refused): ObstacleName =>
  reading.kind === 'too-large' ? 'too-large' : reading.because

const obstacles: Readonly<Record<ObstacleName, string>> = {
  'not-active': 'Consent.status must be active',
  'other-scope': 'Consent.scope (R4) or category (R5) must say that it is about privacy',
  'other-patient': 'Consent is about another patient',
  'too-large': 'Consent.provision is nested more than 8 deep or has more than 200 provisions',
}

function headFaults(resource: Json, others: readonly string[]): string[] {
  const { resourceType, provision, policyRule } = resource
  const saysNothing = !isR5(resource) && provision === undefined && policyRule === undefined
  return [
    ...(resourceType === 'Consent' ? [] : ['Consent.resourceType must be Consent']),
    ...others.map((name) => `Consent.${name} cannot stand beside the choice of a default policy`),
    ...(saysNothing ? ['Consent.provision is missing'] : []),
  ]
}

const knownReferences = [
  /^(?:Practitioner|Patient)\/[0-9a-f]{32}$/,
  // The names of the constitution's organisations; whether there is such a one is for the ledger to say.
  /^Organization\/[a-z][a-z0-9]{1,15}$/,
]

/**
 * Who acts must be somebody whom the registry can know, and data be named by type and id, not by a URN, which is a name
 * inside one document: nothing else would ever be matched.
 */
function nameFaults({ actors = [], data = [], rules = [] }: Rule, path: string): string[] {
  return [
    ...(actors.some((actor) => !isKnown(actor)) ? [`${path}.actor is not understood`] : []),
    ...(data.some(({ reference }) => reference.startsWith('urn:')) ? [`${path}.data is not understood`] : []),
    ...rules.flatMap((rule, index) => nameFaults(rule, `${path}.provision[${index}]`)),
  ]
}

function isKnown({ reference, identifier, role, anybody }: Actor): boolean {
  if (anybody) return true
  if (reference === undefined && identifier === undefined) return isRole(role)
  if (role !== undefined) return false
  if (reference !== undefined && identifier !== undefined) return false
  if (reference !== undefined) return knownReferences.some((known) => known.test(reference))
  return identifier?.startsWith(`${roleSystem}|`) === true && isRole(identifier.slice(roleSystem.length + 1))
}

const isRole = (role: string | undefined): boolean =>
  (roles as readonly (string | undefined)[]).includes(role)

/** A document is the same as a Bundle and as the DocumentReference to it. */
function withDocuments({ data, rules, ...rule }: Rule): Rule {
  return {
    ...rule,
    ...(data && {
      data: data.map((item) => ({
        ...item,
        reference: item.reference.replace(/^Bundle\//, 'DocumentReference/'),
      })),
    }),
    ...(rules && { rules: rules.map(withDocuments) }),
  }
}
