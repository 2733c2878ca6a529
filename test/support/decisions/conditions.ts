import { type Answer, allOf, answer, anyOf } from './answer.ts'
import type { Actor, Coding, Concept, Data, DecisionCase, Provision, Resource } from './case.ts'
import { consentAction, covers, fhirTypes, resourceTypes, types } from './codes.ts'
import { spanOf, spanOfPeriod } from './dates.ts'
import { inForce } from './in-force.ts'
import { type Facet, labelAnswers } from './labels.ts'
import {
  allCodings,
  anyCoding,
  authorsOf,
  clinicalDate,
  documentTypes,
  isItself,
  mainCodings,
  refersTo,
} from './record.ts'
import { canBeToldFrom, isPresent, localReference, namesOfAuthor, namesOfParties } from './references.ts'

type Effect = 'permit' | 'deny'

/** An absent attribute is no constraint; of several values one suffices; FHIR has no empty list. */
function attribute<Value>(
  values: readonly Value[] | undefined,
  answersOf: (values: readonly Value[]) => readonly Answer[],
): Answer {
  if (values === undefined) return 'yes'
  return values.length === 0 ? 'unknown' : anyOf(answersOf(values))
}

/** Whether a part of a rule has only members that FHIR gives it; a modifier extension is none of them. */
export const isPlain = (part: object, members: readonly string[]): boolean =>
  Object.keys(part).every((name) => ['id', 'extension', ...members].includes(name))

// What depends on the request alone.

const silentRoles =
  'IRCP PRCP DELEGATEE GRANTEE HPOWATT DPOWATT SPOWATT POWATT RESPRSN GUARD GUADLTM NOK AGNT ASSIGNED PROV EMP PAT'
const rolesThatSayNoMore: ReadonlySet<string> = new Set(silentRoles.split(' '))

const roleCodes = ({ role }: Actor): string[] =>
  (role?.coding ?? []).flatMap(({ code }) => (code === undefined ? [] : [code]))

function actorAnswer(actor: Actor, { request, directory = [] }: DecisionCase): Answer {
  if (!isPlain(actor, ['role', 'reference'])) return 'unknown'
  const roles = roleCodes(actor)
  const asked = request.role !== undefined && roles.includes(request.role)
  if (actor.reference === undefined) {
    if (roles.length === 0) return 'unknown'
    return answer(roles.includes('IRCP') || asked)
  }
  const present = namesOfParties(request.actors)
  const now = inForce(directory, request.at)
  const isSilent = actor.role === undefined || roles.some((role) => rolesThatSayNoMore.has(role))
  return allOf([isPresent(actor.reference, present, now), isSilent || asked ? 'yes' : 'unknown'])
}

export const actorsAnswer = ({ actor }: Provision, input: DecisionCase): Answer =>
  attribute(actor, (actors) => actors.map((each) => actorAnswer(each, input)))

export function periodAnswer({ period }: Provision, { request }: DecisionCase): Answer {
  if (period === undefined) return 'yes'
  const span = spanOfPeriod(period)
  if (span === undefined) return 'unknown'
  const at = spanOf(request.at)?.from ?? Number.NaN
  return answer(span.from <= at && at < span.to)
}

export const purposesAnswer = (purposes: readonly Coding[] | undefined, asked: Coding): Answer =>
  attribute(purposes, (named) => named.map((each) => covers(each, asked)))

export const actionCodes: ReadonlySet<string> = new Set(['collect', 'access', 'use', 'disclose', 'correct'])

function actionAnswers({ coding = [] }: Concept, { request }: DecisionCase): Answer[] {
  if (coding.length === 0) return ['unknown']
  return coding.map(({ system = consentAction, code = '' }) => {
    if (system !== consentAction || !actionCodes.has(code)) return 'unknown'
    return answer(code === (request.action ?? 'access'))
  })
}

export const actionsAnswer = (named: readonly Concept[] | undefined, input: DecisionCase): Answer =>
  attribute(named, (concepts) => concepts.flatMap((concept) => actionAnswers(concept, input)))

// What depends on the record.

const classesOf = (rule: Provision): readonly Coding[] => [
  ...(rule.class ?? []),
  ...(rule.resourceType ?? []),
  ...(rule.documentType ?? []),
]

export const isResourceType = ({ system }: Coding): boolean =>
  system === undefined || system === resourceTypes || system === fhirTypes

export function classAnswers(classes: readonly Coding[], record: Resource): Answer[] {
  return classes.map((named) => {
    if (named.code === undefined) return 'unknown'
    if (!isResourceType(named)) {
      const same = ({ system, code }: Coding): boolean => system === named.system && code === named.code
      return anyCoding(documentTypes(record), same)
    }
    return types.has(named.code) ? answer(named.code === record.resourceType) : 'unknown'
  })
}

const documents: ReadonlySet<string> = new Set(['Bundle', 'Composition', 'DocumentReference'])

/** A permit counts for a class that is asked for only when it names it, a type of document for documents, or no class at all. */
function isForClass(rule: Provision, effect: Effect, { request }: DecisionCase): Answer {
  const classes = classesOf(rule)
  const asked = request.class
  if (effect === 'deny' || asked === undefined || classes.length === 0) return 'yes'
  return answer(
    classes.some((named) => (isResourceType(named) ? named.code === asked : documents.has(asked))),
  )
}

export function codeAnswers(concepts: readonly Concept[], effect: Effect, record: Resource): Answer[] {
  const codings = effect === 'permit' ? mainCodings(record) : allCodings(record)
  return concepts.flatMap(({ coding = [] }) => {
    if (coding.length === 0) return ['unknown'] as const
    return coding.map((named) => {
      if (named.code === undefined) return 'unknown'
      const same = ({ system, code }: Coding): boolean =>
        code === named.code && (named.system === undefined || named.system === system)
      return anyCoding(codings, same)
    })
  })
}

function authorAnswer({ reference = {} }: Data, record: Resource, { directory = [] }: DecisionCase): Answer {
  const authors = authorsOf(record)
  const names = authors.flatMap((author) => namesOfAuthor(author, directory))
  const found = isPresent(reference, names, directory)
  if (found === 'yes') return 'yes'
  const identified = authors.every((author) => canBeToldFrom(reference, author, directory))
  return authors.length === 0 || !identified ? 'unknown' : found
}

function dataAnswer(data: Data, record: Resource, input: DecisionCase): Answer {
  if (!isPlain(data, ['meaning', 'reference'])) return 'unknown'
  if (data.meaning === 'authoredby') return authorAnswer(data, record, input)
  const local = localReference(data.reference?.reference ?? '')
  if (local === undefined) return 'unknown'
  if (data.meaning === 'instance') return answer(isItself(record, local))
  if (data.meaning === 'related' || data.meaning === 'dependents') {
    return answer(isItself(record, local) || refersTo(record, local))
  }
  return 'unknown'
}

export const dataAnswers = (data: readonly Data[], record: Resource, input: DecisionCase): Answer[] =>
  data.map((each) => dataAnswer(each, record, input))

export function dataPeriodAnswer({ dataPeriod }: Provision, record: Resource): Answer {
  if (dataPeriod === undefined) return 'yes'
  const named = spanOfPeriod(dataPeriod)
  const date = clinicalDate(record)
  if (named === undefined || date === undefined) return 'unknown'
  if (date.to <= named.from || named.to <= date.from) return 'no'
  return named.from <= date.from && date.to <= named.to ? 'yes' : 'unknown'
}

/** Whether a rule's conditions on records hold for a record. */
export function recordAnswer(
  rule: Provision,
  effect: Effect,
  { record, facet }: { readonly record: Resource; readonly facet: Facet },
  input: DecisionCase,
): Answer {
  const classes = (named: readonly Coding[]): Answer[] => classAnswers(named, record)
  return allOf([
    attribute(rule.class, classes),
    attribute(rule.resourceType, classes),
    attribute(rule.documentType, classes),
    isForClass(rule, effect, input),
    attribute(rule.code, (concepts) => codeAnswers(concepts, effect, record)),
    attribute(rule.data, (data) => dataAnswers(data, record, input)),
    dataPeriodAnswer(rule, record),
    attribute(rule.securityLabel, (labels) => labelAnswers(labels, effect, facet)),
  ])
}
