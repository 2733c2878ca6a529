import type { Actor, Coding, Concept, Data, Provision } from './case.ts'
import {
  actCode,
  confidentiality,
  consentAction,
  isSensitivity,
  isUnderstoodPurpose,
  levels,
  types,
} from './codes.ts'
import { actionCodes, isPlain, isResourceType } from './conditions.ts'
import { spanOfPeriod } from './dates.ts'
import { localReference, namesIn } from './references.ts'

const hasCode = ({ coding = [] }: Concept): boolean =>
  coding.length > 0 && coding.every(({ code }) => code !== undefined)

const isActor = (actor: Actor): boolean => {
  const { role, reference } = actor
  const isRole = role === undefined ? reference !== undefined : hasCode(role)
  const isReference = reference === undefined || namesIn(reference).length > 0
  return isPlain(actor, ['role', 'reference']) && isRole && isReference
}

const isAction = (action: Concept): boolean =>
  hasCode(action) &&
  (action.coding ?? []).every(
    ({ system = consentAction, code = '' }) => system === consentAction && actionCodes.has(code),
  )

const isClass = (coding: Coding): boolean =>
  coding.code !== undefined && (!isResourceType(coding) || types.has(coding.code))

const meanings: ReadonlySet<string | undefined> = new Set(['instance', 'related', 'dependents', 'authoredby'])

const isData = (data: Data): boolean => {
  const { meaning, reference = {} } = data
  const names = meaning === 'authoredby' ? namesIn(reference) : localReference(reference.reference ?? '')
  return isPlain(data, ['meaning', 'reference']) && meanings.has(meaning) && (names?.length ?? 0) > 0
}

function isLabel({ system, code = '' }: Coding): boolean {
  if (system === confidentiality) return levels.includes(code)
  return system !== actCode || isSensitivity(code)
}

const every = <Value>(values: readonly Value[] | undefined, understood: (value: Value) => boolean): boolean =>
  values === undefined || (values.length > 0 && values.every(understood))

/** Whether every value of a rule is understood, whatever is asked of whom. */
export const hasUnderstoodValues = (rule: Provision): boolean =>
  every(rule.actor, isActor) &&
  every(rule.action, isAction) &&
  every(rule.purpose, isUnderstoodPurpose) &&
  every(rule.code, hasCode) &&
  every(rule.data, isData) &&
  every(rule.securityLabel, isLabel) &&
  [rule.class, rule.resourceType, rule.documentType].every((classes) => every(classes, isClass)) &&
  [rule.period ?? {}, rule.dataPeriod ?? {}].every((period) => spanOfPeriod(period) !== undefined)
