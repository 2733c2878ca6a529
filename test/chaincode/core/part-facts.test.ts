import { describe, expect, test } from 'vitest'
import {
  denialOfParts,
  type Facts,
  type PartFacts,
  type RecordFacts,
  type Rule,
} from 'medledger-chaincode/core'
import { deniesSomething } from '../../../chaincode/src/core/part.ts'
import { deny, directiveOf, factsOf, permit, recordFacts } from '../../support/core-facts.ts'

type Attributes = Omit<Rule, 'effect'>

const document = recordFacts({
  id: 'DocumentReference/d',
  type: 'DocumentReference',
  dated: { first: 100, last: 100 },
  authors: ['Practitioner/p'],
  isAuthorUnclear: false,
})
const part = (more: Partial<PartFacts> = {}): PartFacts => ({
  type: 'Condition',
  confidentiality: 3,
  ...more,
})

/** The consents that deny something in a document of these parts; the root rules are those of `c1`, `c2` …. */
function denied(
  roots: readonly Rule[],
  parts: readonly PartFacts[],
  more: { readonly document?: Partial<RecordFacts>; readonly facts?: Partial<Facts> } = {},
): readonly string[] | undefined {
  const directives = roots.map((root, index) => directiveOf(root, `c${index + 1}`))
  return denialOfParts(factsOf({ directives, ...more.facts }), { ...document, ...more.document }, parts)
}
const isDenied = (rule: Attributes, of: Partial<PartFacts>): boolean =>
  denied([permit(), deny(rule)], [part(of)]) !== undefined

const conditions: Attributes = { classes: [{ resource: 'Condition' }] }
const authored = (reference: string): Attributes => ({ data: [{ meaning: 'authoredby', reference }] })
const dated = (start?: number, end?: number): Attributes => ({
  dated: { ...(start !== undefined && { start }), ...(end !== undefined && { end }) },
})

describe('a part is denied', () => {
  test.each<[string, Attributes, Partial<PartFacts>]>([
    ['by its type', conditions, {}],
    ['by its type of document', { classes: [{ code: 'a' }] }, { classes: ['|a'] }],
    ['by a code anywhere in it', { codes: [{ code: 'a' }] }, { allCodes: ['|a'] }],
    ['by what it is', { data: [{ meaning: 'instance', reference: 'Condition/c' }] }, { id: 'Condition/c' }],
    [
      'by what it refers to',
      { data: [{ meaning: 'related', reference: 'Encounter/e' }] },
      { references: ['Encounter/e'] },
    ],
    ['by its confidentiality', { labels: { confidentiality: 4 } }, { confidentiality: 4 }],
    ['by a sensitivity', { labels: { sensitivities: ['PSY'] } }, { sensitivities: ['PSY'] }],
    [
      'by any of its sensitivities',
      { labels: { sensitivities: ['PSY'] } },
      { sensitivities: ['HIV', 'PSY'] },
    ],
    ['by its date', dated(10, 20), { first: 10, last: 20 }],
    ['by a date that begins and does not end', dated(10, 20), { first: 20 }],
    ['by a date that ends and did not begin', dated(10, 20), { last: 10 }],
    ['by the date of its document, when it says none', dated(100, 100), {}],
    ['by a date that cannot be read', dated(10, 20), { isDateUnclear: true }],
    ['by its author', authored('Practitioner/q'), { authors: ['Practitioner/q'] }],
    ['by the author of its document, when it says none', authored('Practitioner/p'), {}],
    ['by an author who cannot be told', authored('Practitioner/q'), { isAuthorUnclear: true }],
    [
      'by an author who cannot be told beside one who can',
      authored('Practitioner/q'),
      { authors: ['Practitioner/r'], isAuthorUnclear: true },
    ],
  ])('%s', (_how, rule, of) => expect(isDenied(rule, of)).toBe(true))

  test.each<[string, Attributes, Partial<PartFacts>]>([
    ['by another type', { classes: [{ resource: 'Observation' }] }, {}],
    ['by the type of its document', { classes: [{ resource: 'DocumentReference' }] }, {}],
    ['by a code that only its document has', { codes: [{ code: 'a' }] }, {}],
    ['by another date', dated(10, 20), { first: 21, last: 30 }],
    ['by a date that begins later', dated(10, 20), { first: 21 }],
    ['by a date that ended before', dated(10, 20), { last: 9 }],
    ['by the date of its document, when it says its own', dated(100, 100), { first: 10, last: 10 }],
    ['by the date of its document, when it says its beginning', dated(100, 100), { first: 101 }],
    ['by the date of its document, when it says its end', dated(100, 100), { last: 99 }],
    ['by an author of whom nobody is one', authored('Practitioner/q'), { authors: ['Practitioner/r'] }],
    [
      'by the author of its document, when it says its own',
      authored('Practitioner/p'),
      { authors: ['Practitioner/r'] },
    ],
    ['by another author of its document, when it says none', authored('Practitioner/q'), {}],
  ])('and not %s', (_how, rule, of) => expect(isDenied(rule, of)).toBe(false))

  test('by an author where its document’s cannot be told', () => {
    const roots = [permit(), deny(authored('Practitioner/q'))]
    expect(denied(roots, [part()], { document: { isAuthorUnclear: true } })).toEqual(['c2'])
    expect(
      denied(roots, [part({ authors: ['Practitioner/r'] })], { document: { isAuthorUnclear: true } }),
    ).toBeUndefined()
  })
})

test('all consents that deny some part are named, sorted and once each', () => {
  const roots = [permit(), deny({ codes: [{ code: 'b' }] }), deny(conditions)]
  expect(denied(roots, [part(), part({ allCodes: ['|b'], type: 'Observation' }), part()])).toEqual([
    'c2',
    'c3',
  ])
  const reversed = [part({ allCodes: ['|b'], type: 'Observation' }), part()]
  expect(denied([permit(), deny(conditions), deny({ codes: [{ code: 'b' }] })], reversed)).toEqual([
    'c2',
    'c3',
  ])
  expect(denied(roots, [part({ type: 'Observation' })])).toBeUndefined()
  expect(denied(roots, [])).toBeUndefined()
})

test('with newest-wins the newest that says anything of a part decides on it', () => {
  const directives = [
    directiveOf(permit(), 'new', { given: 2 }),
    directiveOf(deny(conditions), 'old', { given: 1 }),
  ]
  const facts = factsOf({ directives })
  expect(denialOfParts(facts, document, [part()])).toEqual(['old'])
  expect(denialOfParts({ ...facts, combining: 'newest-wins' }, document, [part()])).toBeUndefined()
  const silent = [
    directiveOf(deny({ codes: [{ code: 'x' }] }), 'new', { given: 2 }),
    directiveOf(deny(conditions), 'old', { given: 1 }),
  ]
  expect(
    denialOfParts(factsOf({ directives: silent, combining: 'newest-wins' }), document, [part()]),
  ).toEqual(['old'])
})

test('a part is denied for each purpose', () => {
  const roots = [permit(), deny({ ...conditions, purposes: ['HRESCH'] })]
  expect(denied(roots, [part()])).toBeUndefined()
  expect(denied(roots, [part()], { facts: { purposes: ['TREAT', 'HRESCH'] } })).toEqual(['c2'])
})

describe('an exception from a deny', () => {
  const labelled = { labels: { confidentiality: 3 } }
  const except = (limits: Attributes, exception: Attributes): Rule[] => [
    permit(),
    deny({ ...limits, rules: [permit(exception)] }),
  ]

  test('that is about the document counts for its parts, if the deny is about the document', () => {
    const ofDocument = { classes: [{ resource: 'DocumentReference' }] }
    expect(denied(except(labelled, ofDocument), [part()])).toBeUndefined()
    expect(denied(except(labelled, { classes: [{ resource: 'Observation' }] }), [part()])).toEqual(['c2'])
    expect(denied(except(conditions, ofDocument), [part()])).toEqual(['c2'])
  })

  test('counts where a part cannot be told to be denied and the document is', () => {
    const roots = except(dated(100, 100), { classes: [{ resource: 'DocumentReference' }] })
    expect(denied(roots, [part({ isDateUnclear: true })])).toBeUndefined()
    expect(
      denied(roots, [part({ isDateUnclear: true })], { document: { dated: { first: 99, last: 100 } } }),
    ).toEqual(['c2'])
  })

  test('is looked at as any sensitivity of the document shows it', () => {
    const roots = except(labelled, { labels: { sensitivities: ['HIV'] } })
    const sensitive = { sensitivities: ['PSY', 'HIV'] }
    expect(denied(roots, [part()], { document: sensitive })).toBeUndefined()
    expect(denied(roots, [part()], { document: { sensitivities: ['PSY'] } })).toEqual(['c2'])
  })
})

test('a directive can deny something by itself or by what is below it', () => {
  const can = (root: Rule): boolean => deniesSomething({ root })
  expect([
    can(deny()),
    can(permit()),
    can(permit({ rules: [permit()] })),
    can(permit({ rules: [permit(), permit({ rules: [deny()] })] })),
  ]).toEqual([true, false, false, true])
})
