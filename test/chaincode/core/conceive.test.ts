import { describe, expect, test } from 'vitest'
import { decide, type Facts, type Judgement, type Rule } from 'medledger-chaincode/core'
import { conceivable } from '../../../chaincode/src/core/conceive.ts'
import { hear } from '../../../chaincode/src/core/judge.ts'
import { deny, directiveOf, factsOf, permit, recordFacts } from '../../support/core-facts.ts'

type Attributes = Omit<Rule, 'effect'>

const facts = (roots: readonly Rule[], more: Partial<Facts> = {}): Facts =>
  factsOf({ directives: roots.map((root, index) => directiveOf(root, `c${index + 1}`)), ...more })

function conceived(roots: readonly Rule[], more: Partial<Facts> = {}): Judgement {
  const given = facts(roots, more)
  return conceivable(given, hear(given))
}
const outcome = (...roots: Rule[]): string => conceived(roots).outcome

const loinc = 'http://loinc.org'
const ofType = (resource: string): Attributes => ({ classes: [{ resource }] })
const document = (code: string): Attributes => ({ classes: [{ system: loinc, code }] })
const coded = (...codes: string[]): Attributes => ({ codes: codes.map((code) => ({ system: loinc, code })) })
const named = (
  meaning: 'instance' | 'related' | 'dependents' | 'authoredby',
  reference: string,
): Attributes => ({
  data: [{ meaning, reference }],
})
const dated = (start?: number, end?: number): Attributes => ({
  dated: { ...(start !== undefined && { start }), ...(end !== undefined && { end }) },
})
const upTo = (confidentiality: number): Attributes => ({ labels: { confidentiality } })
const sensitive = (...sensitivities: string[]): Attributes => ({ labels: { sensitivities } })

/** Each way in which a rule can be about some data, and another of the same kind that excludes it. */
const pairs: [string, Attributes, Attributes][] = [
  ['type of resource', ofType('Observation'), ofType('Condition')],
  ['record', named('instance', 'Observation/o1'), named('instance', 'Observation/o2')],
  ['type and record', named('instance', 'Observation/o1'), ofType('Condition')],
  ['date', dated(10, 20), dated(21, 30)],
  ['date with one bound', dated(undefined, 20), dated(21)],
  ['sensitivity', sensitive('HIV'), sensitive('PSY')],
]

describe('some conceivable record is permitted', () => {
  test('without any limit', () =>
    expect(conceived([permit()])).toEqual({ outcome: 'permit', basis: 'consent', basedOn: ['c1'] }))

  test('not without a permit', () => {
    expect(conceived([])).toEqual({ outcome: 'deny', basis: 'default-policy', basedOn: [] })
    expect(conceived([deny(ofType('Condition'))])).toEqual({
      outcome: 'deny',
      basis: 'default-policy',
      basedOn: [],
    })
    expect(conceived([deny(), permit()])).toEqual({ outcome: 'deny', basis: 'consent', basedOn: ['c1'] })
  })

  test.each(pairs)('by a permit limited to a %s', (_what, limit) =>
    expect(outcome(permit(limit))).toBe('permit'),
  )

  test.each(pairs)('by a permit limited to a %s, without a deny of another', (_what, limit, other) => {
    expect(outcome(permit(limit), deny(other))).toBe('permit')
    expect(outcome(permit(other), deny(limit))).toBe('permit')
  })

  test.each(pairs)('not by a permit limited to a %s that is denied', (_what, limit, other) => {
    expect(outcome(permit(limit), deny(limit))).toBe('deny')
    expect(outcome(permit(other), deny(other))).toBe('deny')
  })

  test.each(pairs)('by an exception of a deny limited to a %s, and not to another', (_what, limit, other) => {
    expect(outcome(deny({ ...limit, rules: [permit(limit)] }))).toBe('permit')
    expect(outcome(deny({ ...limit, rules: [permit(other)] }))).toBe('deny')
  })

  test.each<[string, Attributes, Attributes]>([
    ['types of document', document('a'), document('b')],
    ['types of document beside types of resource', document('a'), ofType('Composition')],
    ['types of document in their own element', { documents: [{ system: loinc, code: 'a' }] }, document('b')],
    ['codes', coded('a'), coded('b')],
    ['related data', named('related', 'Encounter/e1'), named('related', 'Encounter/e2')],
    ['dependents', named('dependents', 'Encounter/e1'), named('related', 'Encounter/e2')],
    ['authors', named('authoredby', 'Practitioner/p1'), named('authoredby', 'Practitioner/p2')],
    ['sensitivities, one within the other', sensitive('SUD'), sensitive('OPIOIDUD')],
    ['sensitivity and level', sensitive('PSY'), upTo(3)],
    ['overlapping dates', dated(10, 20), dated(20, 30)],
    ['related data that is a type', named('related', 'Encounter/e1'), ofType('Encounter')],
    ['related data of another type', named('related', 'Encounter/e1'), ofType('Observation')],
  ])('that is both: %s', (_what, left, right) => {
    expect(outcome(deny({ ...left, rules: [permit(right)] }))).toBe('permit')
    expect(outcome(deny({ ...right, rules: [permit(left)] }))).toBe('permit')
  })

  test('by an exception of which a deny takes back nothing that matters', () => {
    const exception = permit({ ...ofType('Condition'), rules: [deny(coded('a'))] })
    expect(outcome(deny({ rules: [exception] }))).toBe('permit')
    expect(
      outcome(deny({ rules: [permit({ ...ofType('Condition'), rules: [deny(ofType('Condition'))] })] })),
    ).toBe('deny')
  })

  test('by an exception within an exception, which all must match', () => {
    const nested = (inner: Attributes): Rule =>
      deny({
        ...ofType('Condition'),
        rules: [permit({ ...coded('a'), rules: [deny({ ...coded('b'), rules: [permit(inner)] })] })],
      })
    expect(outcome(nested(coded('c')))).toBe('permit')
    expect(conceived([nested(ofType('Observation')), deny(coded('a'))]).outcome).toBe('deny')
  })

  test('for several purposes by several permits at once', () => {
    const both = (first: Attributes, second: Attributes): Judgement =>
      conceived([permit({ purposes: ['TREAT'], ...first }), permit({ purposes: ['HRESCH'], ...second })], {
        purposes: ['TREAT', 'HRESCH'],
      })
    for (const [, left, right] of pairs) {
      expect(both(left, left)).toEqual({ outcome: 'permit', basis: 'consent', basedOn: ['c1', 'c2'] })
      expect(both(left, right).outcome).toBe('deny')
    }
    expect(both(coded('a'), coded('b')).outcome).toBe('permit')
    expect(both(named('authoredby', 'Practitioner/a'), document('b')).outcome).toBe('permit')
  })

  test('but for what a value that is not understood would need', () => {
    for (const limit of [{ classes: ['?'] }, { documents: ['?'] }, { codes: ['?'] }] satisfies Attributes[])
      expect(outcome(permit(limit))).toBe('deny')
    expect(outcome(permit({ data: [{ meaning: '?', reference: '' }] }))).toBe('deny')
    expect(outcome(permit(sensitive('?')))).toBe('deny')
    expect(outcome(permit({ classes: ['?', { resource: 'Condition' }] }))).toBe('permit')
    expect(outcome(permit(sensitive('?', 'HIV')))).toBe('permit')
  })

  test('at every level from the floor of a deny on, by its exception', () => {
    expect(outcome(deny({ ...upTo(4), rules: [permit(upTo(4))] }))).toBe('permit')
    expect(outcome(deny({ ...upTo(4), rules: [permit(upTo(3))] }))).toBe('deny')
    expect(
      outcome(
        deny({ labels: { confidentiality: 4, sensitivities: ['HIV'] }, rules: [permit(sensitive('HIV'))] }),
      ),
    ).toBe('permit')
    expect(outcome(deny({ ...upTo(4), rules: [deny({ ...upTo(5), rules: [permit(upTo(4))] })] }))).toBe(
      'deny',
    )
  })

  test('at a date that no rule names, if there is one', () => {
    expect(outcome(permit(), deny(dated(0, 0)))).toBe('permit')
    expect(outcome(permit(), deny(dated(0)))).toBe('permit')
    expect(outcome(permit(), deny(dated(undefined, 0)))).toBe('permit')
    expect(outcome(permit(), deny(dated(undefined, 0)), deny(dated(1)))).toBe('deny')
    expect(outcome(permit(), deny(dated(undefined, -1)), deny(dated(1)))).toBe('permit')
    expect(
      outcome(permit(), deny({ ...coded('x'), rules: [deny(dated(undefined, 5))] }), deny(dated(7))),
    ).toBe('permit')
  })

  test('by a default policy that permits, beside what is denied', () => {
    const policy = { defaultPolicy: 'all-normal' } as const
    expect(conceived([deny(ofType('Condition'))], policy)).toEqual({
      outcome: 'permit',
      basis: 'default-policy',
      basedOn: [],
    })
    expect(conceived([deny(ofType('Condition')), deny(dated(0))], policy).outcome).toBe('permit')
    expect(conceived([deny()], policy).outcome).toBe('deny')
    expect(conceived([deny(upTo(0))], policy).outcome).toBe('deny')
    expect(conceived([permit({ dated: { start: 5 } }), deny(dated(5))], policy)).toEqual({
      outcome: 'deny',
      basis: 'consent',
      basedOn: ['c1'],
    })
  })

  test('of the class that is asked for', () => {
    const asked = { class: 'Condition', defaultPolicy: 'all-normal' } as const
    expect(conceived([deny(ofType('Condition'))], asked).outcome).toBe('deny')
    expect(conceived([deny(ofType('Observation'))], asked).outcome).toBe('permit')
    expect(conceived([deny(ofType('Condition'))], { ...asked, class: '11502-2' }).outcome).toBe('permit')
    expect(conceived([permit(ofType('Observation'))], asked).outcome).toBe('deny')
  })

  test('to the author on the custodian’s staff, where no directive speaks', () => {
    expect(conceived([], { isStaff: true })).toEqual({ outcome: 'permit', basis: 'author', basedOn: [] })
    expect(conceived([], { isStaff: false }).outcome).toBe('deny')
    expect(conceived([deny()], { isStaff: true })).toEqual({
      outcome: 'deny',
      basis: 'consent',
      basedOn: ['c1'],
    })
    expect(conceived([permit()], { isStaff: true }).basis).toBe('consent')
  })
})

describe('some conceivable record is permitted that', () => {
  test('by an author who is one person, and not by several or by one whom nobody knows', () => {
    const by = (author: string): string =>
      outcome(permit(named('authoredby', author)), deny(named('authoredby', 'Practitioner/p1')))
    expect(by('Practitioner/p2')).toBe('permit')
    expect(by('CareTeam/t')).toBe('deny')
    expect(by('PractitionerRole/r')).toBe('deny')
  })

  test('has what a permit names in each of its ways', () => {
    expect(outcome(permit({ ...dated(10, 10), ...coded('a') }))).toBe('permit')
    expect(
      outcome(permit({ ...dated(10, 20), ...coded('a') }), deny(dated(undefined, 19)), deny(dated(21))),
    ).toBe('permit')
    expect(
      outcome(permit({ ...dated(10, 20), ...coded('a') }), deny(dated(undefined, 9)), deny(dated(11))),
    ).toBe('permit')
    expect(outcome(permit({ ...upTo(4), ...coded('a') }), deny(upTo(3)))).toBe('permit')
    expect(outcome(permit({ ...upTo(4), ...coded('a') }), deny(upTo(0)))).toBe('deny')
  })

  test('is a document of its type, a Bundle as well', () => {
    for (const type of ['Bundle', 'DocumentReference', 'Composition', 'DocumentManifest'])
      expect(outcome(deny({ ...ofType(type), rules: [permit(document('a'))] }))).toBe('permit')
    expect(outcome(deny({ ...ofType('Condition'), rules: [permit(document('a'))] }))).toBe('deny')
  })

  test('is of the type that its name says, but for a URN, which says none', () => {
    expect(outcome(permit(named('instance', 'Observation/o1')), deny(ofType('Observation')))).toBe('deny')
    expect(
      outcome(deny({ ...ofType('Condition'), rules: [permit(named('instance', 'Observation/o1'))] })),
    ).toBe('deny')
    expect(outcome(deny({ ...ofType('Condition'), rules: [permit(named('instance', 'urn:uuid:1'))] }))).toBe(
      'permit',
    )
    expect(outcome(permit(named('instance', 'urn:uuid:1')), deny(named('related', 'urn:uuid:1')))).toBe(
      'deny',
    )
  })

  test('another directive permits by name in an emergency, over a deny of treatment', () => {
    const roots = [deny({ purposes: ['TREAT'] }), permit({ purposes: ['BTG'], ...coded('a') })]
    expect(conceived(roots, { purposes: ['BTG'] })).toEqual({
      outcome: 'permit',
      basis: 'consent',
      basedOn: ['c2'],
    })
    expect(conceived(roots, { purposes: ['TREAT'] }).outcome).toBe('deny')
  })

  test('a newer directive permits, where the newest wins', () => {
    const given = (root: Rule, consent: string, date: number): Facts['directives'][number] =>
      directiveOf(root, consent, { given: date })
    const directives = [given(deny(), 'old', 1), given(permit(coded('a')), 'new', 2)]
    const facts = factsOf({ combining: 'newest-wins', directives })
    expect(conceivable(facts, hear(facts))).toEqual({ outcome: 'permit', basis: 'consent', basedOn: ['new'] })
  })
})

describe('the earliest record that is permitted is the one that is told of', () => {
  const early = permit({ ...dated(10, 20), ...coded('a') })
  const late = permit({ ...dated(100, 110), ...coded('a') })
  test('in whatever order the directives stand', () => {
    expect(conceived([early, late]).basedOn).toEqual(['c1'])
    expect(conceived([late, early]).basedOn).toEqual(['c2'])
  })
})

describe('that no record can be permitted is found out among hundreds of permits', () => {
  const many = (count: number, of: (index: number) => Attributes): Rule[] =>
    Array.from({ length: count }, (_none, index) => permit(of(index)))
  const each =
    (attributes: Attributes) =>
    (index: number): Attributes => ({ ...attributes, ...coded(`x${index}`) })

  test.each<[string, Attributes, Attributes]>([
    ['of another type', ofType('Condition'), ofType('Observation')],
    ['of another record', named('instance', 'Observation/o1'), named('instance', 'Observation/o2')],
    ['of another sensitivity', sensitive('HIV'), sensitive('PSY')],
    ['of another date', dated(10, 20), dated(21, 30)],
  ])('%s than what they are exceptions of', (_what, denied, permitted) =>
    expect(outcome(deny({ ...denied, rules: many(300, each(permitted)) }))).toBe('deny'),
  )

  test('each of a date of its own', () => {
    const ofDays = many(20, (index) => ({ ...dated(index * 10, index * 10 + 5), ...ofType('Observation') }))
    const others = many(25, each(ofType('Condition')))
    expect(outcome(deny({ rules: ofDays }), deny({ rules: others }))).toBe('deny')
  })

  test('beside a deny in the same directive', () =>
    expect(outcome(permit({ rules: [deny(), ...many(300, each({}))] }))).toBe('deny'))

  test('that are exceptions of one deny and not of another', () => {
    const excepted = deny({ rules: many(300, each({})) })
    expect(outcome(excepted, deny())).toBe('deny')
    expect(outcome(deny(), excepted)).toBe('deny')
    expect(outcome(excepted, deny({ rules: [permit(ofType('Condition'))] }), deny(ofType('Condition')))).toBe(
      'deny',
    )
    expect(outcome(permit({ rules: many(300, each({})) }), deny())).toBe('deny')
  })
})

describe('the outcome', () => {
  test('does not look at the records sent', () => {
    const roots = [permit(ofType('Condition'))]
    const sent = [[], [recordFacts()], [recordFacts({ type: 'Condition' })]].map((records) =>
      decide(facts(roots, { records })),
    )
    expect(
      new Set(sent.map(({ outcome, basis, basedOn }) => JSON.stringify([outcome, basis, basedOn]))).size,
    ).toBe(1)
  })

  test('of a deny says why the plainest record is denied, whatever denies others', () => {
    const purposes = ['TREAT', 'HRESCH']
    const roots = [
      permit({ purposes: ['TREAT'], ...ofType('Condition') }),
      deny({ purposes: ['HRESCH'], ...ofType('Condition') }),
    ]
    expect(conceived(roots, { purposes })).toEqual({ outcome: 'deny', basis: 'consent', basedOn: ['c1'] })
  })

  test('is found where a hundred permits need not be tried together', () => {
    const many = Array.from({ length: 100 }, (_none, index) =>
      permit(ofType(index % 2 === 0 ? 'Condition' : 'Observation')),
    )
    const denies = [deny(ofType('Observation')), deny(ofType('Condition'))]
    expect(conceived([...many, ...denies]).outcome).toBe('deny')
    expect(conceived([...many, ...denies, permit(ofType('Encounter'))]).outcome).toBe('permit')
  })

  test('is found at once among a thousand exceptions that no record can match', () => {
    const exceptions = Array.from({ length: 1000 }, () => permit(ofType('Observation')))
    expect(outcome(deny({ ...ofType('Condition'), rules: exceptions }))).toBe('deny')
  })

  test('costs at most so much, whatever the directives: then it is taken for a permit', () => {
    const instances = Array.from({ length: 800 }, (_none, index) =>
      permit(named('instance', `Observation/o${index}`)),
    )
    const root = permit({
      ...named('instance', 'Observation/x'),
      rules: [deny(ofType('Observation')), ...instances],
    })
    const alternatives = (name: 'codes' | 'documents'): Attributes => ({
      [name]: Array.from({ length: 150 }, (_none, index) => ({ code: `${name}${index}` })),
    })
    const contradiction = permit({
      ...alternatives('codes'),
      ...alternatives('documents'),
      ...sensitive('PSY'),
    })
    for (const directive of [root, deny({ ...sensitive('HIV'), rules: [contradiction] })]) {
      const decision = decide(facts([directive], { records: [recordFacts({ sensitivities: ['HIV'] })] }))
      expect(decision.outcome).toBe('permit')
      expect(decision.records.map((record) => record.outcome)).toEqual(['deny'])
    }
  })

  test('is taken for a permit where too many records would have to be tried, and each is judged by itself', () => {
    const exceptFor = (...limits: Attributes[]): Rule => deny({ rules: limits.map((limit) => permit(limit)) })
    const ofTypes = (...types: string[]): Rule => exceptFor(...types.map(ofType))
    const roots = [
      permit(),
      ...Array.from({ length: 14 }, (_none, index) => exceptFor(coded(`a${index}`), coded(`b${index}`))),
      ofTypes('Observation', 'Condition', 'Encounter'),
      ofTypes('Procedure', 'CarePlan', 'Immunization'),
    ]
    const decision = decide(facts(roots))
    expect(decision.outcome).toBe('permit')
    expect(decision.records.map(({ outcome }) => outcome)).toEqual(['deny'])
  })
})
