import { describe, expect, test } from 'vitest'
import type { Facts, RecordFacts, Rule } from 'medledger-chaincode/core'
import {
  matchesAction,
  matchesAsker,
  matchesData,
  matchesPurpose,
} from '../../../chaincode/src/core/match.ts'
import { everyIdentifier, systemOf } from '../../../chaincode/src/core/facts.ts'
import { no, unknown, yes, type Truth } from '../../../chaincode/src/core/truth.ts'
import { asker, deny, factsOf, permit, recordFacts } from '../../support/core-facts.ts'

type Actor = NonNullable<Rule['actors']>[number]

describe('a rule is for the asker', () => {
  const matches = (rule: Omit<Rule, 'effect'>, more: Partial<Facts> = {}): Truth =>
    matchesAsker(permit(rule), factsOf(more))

  test('when it names nobody', () => expect(matches({})).toBe(yes))

  test.each<[string, Actor, Truth]>([
    ['anybody', { anybody: true }, yes],
    ['the person', { reference: 'Practitioner/chen' }, yes],
    ['another person', { reference: 'Practitioner/okafor' }, no],
    ['the organisation', { reference: 'Organization/south' }, yes],
    ['another organisation', { reference: 'Organization/north' }, no],
    ['the identifier', { identifier: 'urn:gln|7601000000001' }, yes],
    ['another identifier', { identifier: 'urn:gln|2' }, no],
    [
      'an identifier where the reference is another’s',
      { reference: 'Practitioner/x', identifier: 'urn:gln|7601000000001' },
      yes,
    ],
    ['the role', { role: 'doctor' }, yes],
    ['another role', { role: 'auditor' }, no],
    ['a role that is not understood', { role: '?' }, unknown],
    ['nothing at all', {}, unknown],
    ['the person in her role', { reference: 'Practitioner/chen', role: 'doctor' }, yes],
    ['the person in another role', { reference: 'Practitioner/chen', role: 'auditor' }, unknown],
    ['another person in the asker’s role', { reference: 'Practitioner/okafor', role: 'doctor' }, no],
    ['a group that nobody has listed', { reference: 'Group/g' }, unknown],
    ['a care team that nobody has listed', { reference: 'CareTeam/t' }, unknown],
    ['a role of a practitioner that nobody knows', { reference: 'PractitionerRole/r' }, unknown],
    ['somebody whose id only looks like a group’s', { reference: 'Practitioner/Group' }, no],
  ])('as %s', (_who, actor, expected) => {
    expect(matches({ actors: [actor] })).toBe(expected)
    expect(matches({ actors: [{ reference: 'Practitioner/nobody' }, actor] })).toBe(expected)
  })

  test('not as a member of a listed group whose members she is not among', () => {
    const groups = new Set(['Group/g'])
    expect(matches({ actors: [{ reference: 'Group/g' }] }, { asker: { ...asker, groups } })).toBe(no)
  })

  test('by role only if the asker has one', () => {
    const { role: _role, ...unnamed } = asker
    expect(matches({ actors: [{ role: 'doctor' }] }, { asker: unnamed })).toBe(no)
    expect(matches({ actors: [{ role: '?' }] }, { asker: { ...asker, role: '?' } })).toBe(unknown)
  })

  test.each<[string, Omit<Rule, 'effect'>, Truth]>([
    ['from its start', { start: 1000 }, yes],
    ['not before', { start: 1001 }, no],
    ['until its end', { end: 1000 }, yes],
    ['not after', { end: 999 }, no],
    ['in between', { start: 999, end: 1001 }, yes],
  ])('%s', (_when, period, expected) => expect(matches(period)).toBe(expected))
})

describe('a list of purposes covers the one asked for', () => {
  test.each<[readonly string[], string, Truth]>([
    [['TREAT'], 'TREAT', yes],
    [['HRESCH', 'TREAT'], 'COC', yes],
    [['COC'], 'TREAT', no],
    [['?'], 'TREAT', unknown],
    [['?', 'TREAT'], 'TREAT', yes],
    [['TREAT'], 'NOSUCH', unknown],
    [['NOSUCH'], 'NOSUCH', yes],
    [['urn:x|a'], 'urn:x|a', yes],
    [['urn:x|a'], 'urn:x|b', no],
    [['TREAT'], 'urn:x|TREAT', no],
    [[], 'TREAT', no],
  ])('%j for %s: %i', (purposes, asked, expected) => expect(matchesPurpose(purposes, asked)).toBe(expected))
})

describe('actions are compared for equality', () => {
  test.each<[readonly string[] | undefined, Truth]>([
    [undefined, yes],
    [['access'], yes],
    [['use', 'access'], yes],
    [['use'], no],
    [['?'], unknown],
    [['?', 'use'], unknown],
  ])('%j: %i', (actions, expected) => expect(matchesAction(actions, 'access')).toBe(expected))
})

const loinc = 'http://loinc.org'

/** How the data conditions of a permit and of a deny match a record. */
function ofBoth(
  rule: Omit<Rule, 'effect'>,
  record: Partial<RecordFacts> = {},
  more: Partial<Facts> = {},
): [Truth, Truth] {
  const facet = { record: recordFacts(record), sensitivity: record.sensitivities?.[0] }
  return [matchesData(permit(rule), factsOf(more), facet), matchesData(deny(rule), factsOf(more), facet)]
}

describe('a rule is about a record', () => {
  test('when it says nothing of data', () => expect(ofBoth({})).toEqual([yes, yes]))

  test('by its action: a permit also has that of the permit above it', () => {
    const facet = { record: recordFacts(), sensitivity: undefined }
    expect(ofBoth({ actions: ['use'] })).toEqual([no, no])
    expect(ofBoth({ actions: ['?'] })).toEqual([unknown, unknown])
    expect(matchesData(permit(), factsOf(), facet, ['use'])).toBe(no)
    expect(matchesData(permit({ actions: ['access'] }), factsOf(), facet, ['use'])).toBe(yes)
    expect(matchesData(deny(), factsOf(), facet, ['use'])).toBe(yes)
  })

  const report = { classes: [`${loinc}|11502-2`] }
  test.each<[string, Rule['classes'] & object, Partial<RecordFacts>, Truth]>([
    ['its type', [{ resource: 'Observation' }], {}, yes],
    ['another type', [{ resource: 'Condition' }], {}, no],
    ['one of its types', [{ resource: 'Condition' }, { resource: 'Observation' }], {}, yes],
    ['its type of document', [{ system: loinc, code: '11502-2' }], report, yes],
    ['its type of document in any system', [{ code: '11502-2' }], report, yes],
    ['its type of document in another system', [{ system: 'urn:x', code: '11502-2' }], report, no],
    ['the end of its code', [{ code: '2-2' }], report, no],
    ['a class that is not understood', ['?'], {}, unknown],
  ])('by class: %s', (_what, classes, record, expected) => {
    expect(ofBoth({ classes }, record)).toEqual([expected, expected])
    expect(ofBoth({ documents: classes }, record)).toEqual([expected, expected])
  })

  test('a permit of other classes than the one asked for is not meant; a deny is', () => {
    const classes = [{ resource: 'Condition' }, { system: loinc, code: '11502-2' }]
    expect(ofBoth({ classes }, { type: 'Condition' }, { class: 'Observation' })).toEqual([no, yes])
    expect(ofBoth({ classes: ['?'] }, {}, { class: 'Observation' })).toEqual([no, unknown])
    expect(ofBoth({ classes }, { type: 'Condition' }, { class: 'Condition' })).toEqual([yes, yes])
    expect(ofBoth({ classes }, { type: 'Condition' }, { class: '11502-2' })).toEqual([yes, yes])
    expect(ofBoth({ documents: classes }, { type: 'Condition' }, { class: 'Observation' })).toEqual([no, yes])
  })

  test('by code: a permit looks at what the record is about, a deny at all of it', () => {
    const codes = [{ system: loinc, code: 'a' }]
    expect(ofBoth({ codes }, { codes: [`${loinc}|a`], allCodes: [`${loinc}|a`] })).toEqual([yes, yes])
    expect(ofBoth({ codes }, { codes: [], allCodes: [`${loinc}|a`] })).toEqual([no, yes])
    expect(ofBoth({ codes: ['?'] })).toEqual([unknown, unknown])
    expect(ofBoth({ codes: ['?', ...codes] }, { codes: [`${loinc}|a`] })).toEqual([yes, unknown])
  })

  const known = { isAuthorUnclear: false }
  test.each<[string, Rule['data'] & object, Partial<RecordFacts>, Truth]>([
    ['the record', [{ meaning: 'instance', reference: 'Observation/o1' }], {}, yes],
    ['another', [{ meaning: 'instance', reference: 'Observation/o2' }], {}, no],
    [
      'what it refers to',
      [{ meaning: 'instance', reference: 'Encounter/e' }],
      { references: ['Encounter/e'] },
      no,
    ],
    ['related: itself', [{ meaning: 'related', reference: 'Observation/o1' }], {}, yes],
    [
      'related: what refers to it',
      [{ meaning: 'related', reference: 'Encounter/e' }],
      { references: ['Encounter/e'] },
      yes,
    ],
    ['related: nothing', [{ meaning: 'related', reference: 'Encounter/e' }], {}, no],
    [
      'dependents',
      [{ meaning: 'dependents', reference: 'Encounter/e' }],
      { references: ['Encounter/e'] },
      yes,
    ],
    [
      'its author',
      [{ meaning: 'authoredby', reference: 'Practitioner/p' }],
      { ...known, authors: ['Practitioner/p'] },
      yes,
    ],
    [
      'one of its authors, others unclear',
      [{ meaning: 'authoredby', reference: 'Practitioner/p' }],
      { authors: ['Practitioner/p'] },
      yes,
    ],
    [
      'another author',
      [{ meaning: 'authoredby', reference: 'Practitioner/q' }],
      { ...known, authors: ['Practitioner/p'] },
      no,
    ],
    [
      'an author of whom nothing is known',
      [{ meaning: 'authoredby', reference: 'Practitioner/q' }],
      { authors: ['Practitioner/p'] },
      unknown,
    ],
    [
      'authors in a group that nobody has listed',
      [{ meaning: 'authoredby', reference: 'Group/g' }],
      { ...known, authors: ['Practitioner/p'] },
      unknown,
    ],
    ['a record of the author’s name', [{ meaning: 'authoredby', reference: 'Observation/o1' }], known, no],
    ['an unknown sense', [{ meaning: '?', reference: 'Observation/o1' }], {}, unknown],
  ])('by data: %s', (_what, data, record, expected) => {
    expect(ofBoth({ data }, record)).toEqual([expected, expected])
    const others = [{ meaning: 'instance', reference: 'Observation/o9' } as const, ...data]
    expect(ofBoth({ data: others }, record)).toEqual([expected, expected])
  })

  test.each<[string, readonly string[], Truth]>([
    ['is it', ['urn:gln|1'], yes],
    ['has another of that system', ['Practitioner/p', 'urn:gln|2'], no],
    ['has one of another system', ['Practitioner/p', 'urn:ahv|1'], unknown],
    ['has one of a system whose name only begins likewise', ['urn:gln2|1'], unknown],
    ['has none', ['Practitioner/p'], unknown],
    ['is known by all identifiers that there are', ['Practitioner/p', everyIdentifier], no],
  ])('by an author’s identifier, where the author %s', (_what, authors, expected) => {
    const data = [{ meaning: 'authoredby', reference: 'urn:gln|1' }] as const
    const identifiedIn = authors.map(systemOf)
    expect(ofBoth({ data }, { ...known, authors, identifiedIn })).toEqual([expected, expected])
  })

  test('by an author’s identifier, where not every author has one of that system', () => {
    const data = [{ meaning: 'authoredby', reference: 'urn:gln|1' }] as const
    const authors = ['Practitioner/p', 'urn:gln|2', 'Organization/o']
    expect(ofBoth({ data }, { ...known, authors })).toEqual([unknown, unknown])
  })

  test('not by a listed group of which no author is', () => {
    const data = [{ meaning: 'authoredby', reference: 'Group/g' }] as const
    const groups = { asker: { ...asker, groups: new Set(['Group/g']) } }
    expect(ofBoth({ data }, { ...known, authors: ['Practitioner/p'] }, groups)).toEqual([no, no])
  })

  test.each<[string, NonNullable<Rule['dated']>, RecordFacts['dated'], Truth]>([
    ['within', { start: 10, end: 20 }, { first: 10, last: 20 }, yes],
    ['before', { start: 10, end: 20 }, { first: 8, last: 9 }, no],
    ['after', { start: 10, end: 20 }, { first: 21, last: 22 }, no],
    ['into its first instant', { start: 10, end: 20 }, { first: 9, last: 10 }, unknown],
    ['into its last instant', { start: 10, end: 20 }, { first: 20, last: 21 }, unknown],
    ['around it', { start: 10, end: 20 }, { first: 9, last: 21 }, unknown],
    ['after an open start', { end: 20 }, { first: -1e9, last: 20 }, yes],
    ['after the end of an open start', { end: 20 }, { first: 21, last: 21 }, no],
    ['before an open end', { start: 10 }, { first: 10, last: 1e9 }, yes],
    ['before the start of an open end', { start: 10 }, { first: 1, last: 9 }, no],
    ['without a date', { start: 10 }, undefined, unknown],
  ])('by date: %s', (_what, dated, of, expected) => {
    expect(ofBoth({ dated }, of && { dated: of })).toEqual([expected, expected])
  })
})

describe('labels of a rule', () => {
  test.each<[string, number, [Truth, Truth]]>([
    ['below', 2, [yes, no]],
    ['at', 3, [yes, yes]],
    ['above', 4, [no, yes]],
  ])('are a ceiling in a permit and a floor in a deny: %s', (_where, confidentiality, expected) => {
    expect(ofBoth({ labels: { confidentiality: 3 } }, { confidentiality })).toEqual(expected)
  })

  test.each<[string, readonly string[], readonly string[], Truth]>([
    ['its sensitivity', ['PSY'], ['PSY'], yes],
    ['a wider one', ['SUD'], ['OPIOIDUD'], yes],
    ['a narrower one', ['OPIOIDUD'], ['SUD'], no],
    ['another', ['HIV'], ['PSY'], no],
    ['any, of a record without', ['HIV'], [], no],
    ['one that is not understood', ['?'], ['PSY'], unknown],
    ['that of another system', ['urn:x|secret'], ['urn:x|secret'], yes],
    ['another of another system', ['urn:x|secret'], ['PSY'], unknown],
    ['another system’s, of a record without', ['urn:x|secret'], [], unknown],
    ['one of several', ['HIV', '?', 'PSY'], ['PSY'], yes],
  ])('name sensitivities: %s', (_what, sensitivities, has, expected) => {
    const record = { sensitivities: has, confidentiality: 4 }
    expect(ofBoth({ labels: { sensitivities } }, record)).toEqual([expected, expected])
  })

  test('of both sorts are alternatives', () => {
    const labels = { confidentiality: 3, sensitivities: ['PSY'] }
    const restricted = { confidentiality: 4, sensitivities: ['PSY'] }
    expect(ofBoth({ labels }, restricted)).toEqual([yes, yes])
    expect(ofBoth({ labels }, { ...restricted, sensitivities: ['HIV'] })).toEqual([no, yes])
    expect(ofBoth({ labels: { confidentiality: 3, sensitivities: ['?'] } }, restricted)).toEqual([
      unknown,
      yes,
    ])
    expect(ofBoth({ labels }, { confidentiality: 2, sensitivities: [] })).toEqual([yes, no])
  })
})

test('all that a rule says of data must match, and what cannot be told of one part cannot be told of all', () => {
  const every: Omit<Rule, 'effect'> = {
    actions: ['access'],
    classes: [{ resource: 'Observation' }],
    documents: [{ system: loinc, code: 'd' }],
    codes: [{ system: loinc, code: 'a' }],
    data: [{ meaning: 'related', reference: 'Encounter/e' }],
    dated: { start: 10 },
    labels: { confidentiality: 3 },
  }
  const record: Partial<RecordFacts> = {
    classes: [`${loinc}|d`],
    codes: [`${loinc}|a`],
    allCodes: [`${loinc}|a`],
    references: ['Encounter/e'],
    dated: { first: 10, last: 10 },
  }
  expect(ofBoth(every, record)).toEqual([yes, yes])
  const misses: Partial<RecordFacts>[] = [
    { type: 'Condition' },
    { classes: [] },
    { codes: [], allCodes: [] },
    { references: [] },
    { dated: { first: 9, last: 9 } },
  ]
  for (const miss of misses) expect(ofBoth(every, { ...record, ...miss })).toEqual([no, no])
  expect(ofBoth(every, { ...record, dated: undefined as never })).toEqual([unknown, unknown])
  expect(ofBoth({ ...every, dated: { end: 9 } }, { ...record, type: 'Condition' })).toEqual([no, no])
  expect(ofBoth({ ...every, actions: ['?'] }, record)).toEqual([unknown, unknown])
  expect(ofBoth({ ...every, actions: ['?'] }, { ...record, type: 'Condition' })).toEqual([no, no])
})
