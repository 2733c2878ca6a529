import type { Coding, Data, DecisionCase, Provision, Reference, Resource } from './case.ts'
import { actCode, confidentiality, isSensitivity, levels, types } from './codes.ts'
import { classAnswers, codeAnswers, dataAnswers, dataPeriodAnswer, isResourceType } from './conditions.ts'
import { spanOf } from './dates.ts'
import type { Rule } from './directive.ts'
import { facetsOf, isNormal, labelAnswers } from './labels.ts'
import { localReference } from './references.ts'

/*
 * Records that some rule of a case could tell apart: every value that its rules mention, beside, around and together with others,
 * and a fresh one of each kind. What no rule tells apart is the same record, of which one is kept.
 */

type Members = Readonly<Record<string, unknown>>

/** All choices of at most `most` of some values. */
function choicesOf<Value>(values: readonly Value[], most: number): Value[][] {
  const [first, ...rest] = values
  if (first === undefined || most === 0) return [[]]
  return [...choicesOf(rest, most), ...choicesOf(rest, most - 1).map((choice) => [first, ...choice])]
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()]
}

/** How many values of one kind a record has at most. */
const togetherAtMost = 3

/** The resources that have a type of document; a rule may be about one of them and not the other. */
const documentTypes = ['DocumentReference', 'Composition']

function identities(rules: readonly Provision[], input: DecisionCase): Members[] {
  const classes = rules.flatMap((rule) => [
    ...(rule.class ?? []),
    ...(rule.resourceType ?? []),
    ...(rule.documentType ?? []),
  ])
  const named = classes.filter(isResourceType).map(({ code = '' }) => code)
  const asked = input.request.class === undefined ? [] : [input.request.class]
  const known = unique([...named, ...documentTypes, ...asked]).filter(
    (type) => types.has(type) && type !== 'Patient',
  )
  const fresh = [...types].filter((type) => type !== 'Patient' && type !== 'Bundle' && !known.includes(type))
  const instances = localsOf(rules, () => true).map((local) => local.split('/'))
  const all = [
    ...[...known, ...fresh.slice(0, 1)].map((resourceType) => ({ resourceType, id: 'fresh' })),
    ...instances
      .filter(([resourceType = '']) => types.has(resourceType))
      .map(([resourceType, id]) => ({ resourceType, id })),
  ]
  const kinds = all.filter(({ resourceType }) => [undefined, resourceType].includes(input.request.class))
  const documents = choicesOf(unique(classes.filter((coding) => !isResourceType(coding))), togetherAtMost)
  return kinds.flatMap((kind) =>
    documentTypes.includes(kind.resourceType ?? '')
      ? documents.map((coding) => ({ ...kind, type: { coding } }))
      : [kind],
  )
}

function codings(rules: readonly Provision[]): Members[] {
  const named = rules.flatMap(({ code = [] }) => code.flatMap(({ coding = [] }) => coding))
  const full = unique(named.map(({ system = 'urn:fresh', code = '' }): Coding => ({ system, code })))
  return choicesOf(full, togetherAtMost).map((coding) => ({ code: { coding } }))
}

function localsOf(rules: readonly Provision[], wanted: (data: Data) => boolean): string[] {
  const data = rules.flatMap((rule) => rule.data ?? []).filter(wanted)
  return unique(data.flatMap(({ reference }) => localReference(reference?.reference ?? '') ?? []))
}

function references(rules: readonly Provision[]): Members[] {
  const locals = localsOf(rules, ({ meaning }) => meaning === 'related' || meaning === 'dependents')
  return choicesOf(locals, togetherAtMost).map((chosen) => ({
    supportingInfo: chosen.map((reference) => ({ reference })),
  }))
}

function authors(rules: readonly Provision[]): Members[] {
  const data = rules.flatMap((rule) => rule.data ?? []).filter(({ meaning }) => meaning === 'authoredby')
  const named = data.flatMap(({ reference }) => reference ?? [])
  const identifiers = unique(named.flatMap(({ identifier }) => identifier?.system ?? []))
  // The stranger of the reference, who has an identifier of each system.
  const stranger: Reference = { reference: 'Practitioner/fresh' }
  const alsoKnown = named.flatMap(({ reference, identifier }): Reference[] => [
    ...(reference === undefined
      ? []
      : identifiers.map((system) => ({ reference, identifier: { system, value: 'fresh' } }))),
    // Who has an identifier that a rule names and is nobody whom another names by reference.
    ...(identifier === undefined ? [] : [{ ...stranger, identifier }]),
  ])
  return [
    {},
    ...choicesOf(unique([...named, ...alsoKnown, stranger]), togetherAtMost).map((author) => ({
      author,
    })),
  ]
}

function dates(rules: readonly Provision[]): Members[] {
  const ends = rules.flatMap(({ dataPeriod = {} }) => [dataPeriod.start, dataPeriod.end])
  const boundaries = ends.flatMap((end) => {
    const span = spanOf(end)
    return span === undefined ? [] : [span.from - 1, span.from, span.to - 1, span.to]
  })
  return [{}, ...boundaries.map((time) => ({ date: new Date(time).toISOString() }))]
}

function labels(rules: readonly Provision[]): Members[] {
  const named = rules.flatMap(({ securityLabel = [] }) => securityLabel)
  const about = named.filter(
    ({ system, code = '' }) => system !== confidentiality && (system !== actCode || isSensitivity(code)),
  )
  const both = ['ETHUD', 'OPIOIDUD'].map((code) => ({ system: actCode, code }))
  const sensitivities = unique([...about, ...both, { system: 'urn:fresh', code: 'fresh' }])
  const confidentialities = levels.map((code) => ({ system: confidentiality, code }))
  const alone = [[], ...sensitivities.map((sensitivity) => [sensitivity])]
  return [[], ...confidentialities.map((level) => [level])].flatMap((level) =>
    alone.map((about) => ({ meta: { security: [...level, ...about] } })),
  )
}

const blank: Resource = { resourceType: 'Nothing', id: 'nothing' }

/** What there is to choose from for each side of a record. */
function choices(input: DecisionCase, rules: readonly Rule[]): Members[][] {
  const mentioned = rules.map(({ attributes }) => attributes)
  const distinct = (
    values: readonly Members[],
    tell: (rule: Rule, record: Resource) => unknown,
  ): Members[] => {
    const signature = (members: Members): string =>
      JSON.stringify(rules.map((rule) => tell(rule, { ...blank, ...members })))
    return [...new Map(values.toReversed().map((value) => [signature(value), value])).values()]
  }

  const kinds = distinct(
    identities(mentioned, input).flatMap((kind) => codings(mentioned).map((code) => ({ ...kind, ...code }))),
    ({ attributes, effect }, record) => [
      ...[attributes.class, attributes.resourceType, attributes.documentType].map((classes = []) =>
        classAnswers(classes, record),
      ),
      codeAnswers(attributes.code ?? [], effect, record),
      dataAnswers(attributes.data ?? [], record, input),
    ],
  )
  const others = [references(mentioned), authors(mentioned)].map((values) =>
    distinct(values, ({ attributes }, record) => dataAnswers(attributes.data ?? [], record, input)),
  )
  const dated = distinct(dates(mentioned), ({ attributes }, record) => dataPeriodAnswer(attributes, record))
  const labelled = distinct(labels(mentioned), ({ attributes, effect }, record) =>
    facetsOf(record).map((facet) => [
      isNormal(facet),
      labelAnswers(attributes.securityLabel ?? [], effect, facet),
    ]),
  )
  return [kinds, ...others, dated, labelled]
}

/** How many records {@link candidatesOf} makes of a case. */
export const countOfCandidates = (input: DecisionCase, rules: readonly Rule[]): number =>
  choices(input, rules).reduce((product, { length }) => product * length, 1)

/** Every record that the rules that matter to a case could tell apart. */
export function* candidatesOf(input: DecisionCase, rules: readonly Rule[]): Generator<Resource> {
  const { patient } = input.request
  const subject: Reference = typeof patient === 'string' ? { reference: patient } : { identifier: patient }
  yield* combinations(choices(input, rules), { ...blank, subject })
}

/** One value of each kind, in every way. */
function* combinations(kinds: readonly (readonly Members[])[], base: Resource): Generator<Resource> {
  const [first, ...rest] = kinds
  if (first === undefined) {
    yield base
    return
  }
  for (const members of first) yield* combinations(rest, { ...base, ...members })
}
