import type { Actor, Directive, Rule } from '../directive.ts'
import { defaultPolicies, type DefaultPolicy } from '../facts.ts'
import { yes } from '../truth.ts'
import { defaultPolicySystem, roles, roleSystem } from '../vocabulary.ts'
import { codesIn } from './coding.ts'
import { readConsent, type Reading } from './consent.ts'
import type { Json } from './json.ts'

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
  const chosen = codesIn(resource['policyRule'], defaultPolicySystem)
  const faults = headFaults(resource, chosen)
  const reading = readConsent(consent, resource, { isPatient: () => yes, zone })
  if (reading.kind !== 'directive')
    return { kind: 'faults', faults: [...faults, obstacles[obstacleOf(reading)]] }
  const { unclear = [], ...directive } = reading.directive
  faults.push(...unclear.map((path) => `${path} is not understood`))
  if (chosen.length > 0) return toDefaultPolicy(chosen, faults)
  faults.push(...actorFaults(directive.root, 'Consent.provision'))
  return faults.length > 0
    ? { kind: 'faults', faults: [...new Set(faults)] }
    : { kind: 'directive', directive: { ...directive, root: withDocuments(directive.root) } }
}

/** A Consent without a provision chooses the policy for when no directive applies, as its `policyRule`. */
function toDefaultPolicy(chosen: readonly string[], faults: readonly string[]): Mapped {
  const defaultPolicy = defaultPolicies.find((policy) => chosen.length === 1 && policy === chosen[0])
  if (defaultPolicy !== undefined && faults.length === 0) return { kind: 'default-policy', defaultPolicy }
  return {
    kind: 'faults',
    faults: [...faults, `Consent.policyRule must be one of ${defaultPolicies.join(', ')}`],
  }
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

function headFaults(resource: Json, chosen: readonly string[]): string[] {
  const faults: string[] = []
  if (resource['resourceType'] !== 'Consent') faults.push('resourceType must be Consent')
  if (chosen.length > 0 && resource['provision'] !== undefined) {
    faults.push('Consent.policyRule chooses a default policy, which a Consent with a provision cannot')
  }
  const isR4 = !Array.isArray(resource['provision']) && resource['decision'] === undefined
  if (
    isR4 &&
    chosen.length === 0 &&
    resource['provision'] === undefined &&
    resource['policyRule'] === undefined
  ) {
    faults.push('Consent.provision is missing')
  }
  return faults
}

const knownReferences = [
  /^(?:Practitioner|Patient)\/[0-9a-f]{32}$/,
  // The names of the constitution's organisations; whether there is such a one is for the ledger to say.
  /^Organization\/[a-z][a-z0-9]{1,15}$/,
]

/** Who acts must be somebody whom the registry can know: nobody else would ever be matched. */
function actorFaults({ actors = [], rules = [] }: Rule, path: string): string[] {
  const faults = actors.some((actor) => !isKnown(actor)) ? [`${path}.actor is not understood`] : []
  return [...faults, ...rules.flatMap((rule, index) => actorFaults(rule, `${path}.provision[${index}]`))]
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
