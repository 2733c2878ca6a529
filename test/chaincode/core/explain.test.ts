import { describe, expect, test } from 'vitest'
import {
  directivePhrase,
  explain,
  explainHeldBack,
  purposeName,
  type Directive,
  type Names,
  type Note,
} from 'medledger-chaincode/core'

const names: Names = {
  directive: (consent) =>
    ({
      yes: { phrase: 'your permission for Dr Chen', effect: 'permit' },
      wide: { phrase: 'your permission for everybody', effect: 'permit' },
      no: { phrase: 'your refusal towards South Hospital', effect: 'deny' },
    })[consent] as ReturnType<Names['directive']>,
  record: (id) => (id === 'DocumentReference/d1' ? 'the laboratory report' : 'the document'),
  defaultPolicy: 'basic-normal',
  isPolicyChosen: false,
}

const applies = (consent: string): Note => ({ note: 'applies', consent, purpose: 'TREAT' })
const record = (
  outcome: 'permit' | 'deny',
  because: 'consent' | 'default-policy' | 'self' | 'author',
  ...basedOn: string[]
): Note => ({ note: 'record', record: 'DocumentReference/d1', outcome, because, basedOn })

const sentences = (trace: readonly Note[], more: Partial<Names> = {}): readonly string[] =>
  explain(trace, { ...names, ...more }).sentences
const onRecord = (trace: readonly Note[], more: Partial<Names> = {}): readonly string[] | undefined =>
  explain(trace, { ...names, ...more }).records.get('DocumentReference/d1')

describe('a decision on a record is told', () => {
  test('by the directives that permit it', () => {
    expect(onRecord([applies('yes'), record('permit', 'consent', 'yes')])).toEqual([
      'The laboratory report may be read: your permission for Dr Chen allows it.',
    ])
    expect(onRecord([record('permit', 'consent', 'wide', 'yes')])).toEqual([
      'The laboratory report may be read: your permission for everybody and your permission for Dr Chen allow it.',
    ])
  })

  test('by the directive that refuses it, and why a permission does not help', () => {
    expect(onRecord([applies('yes'), applies('no'), record('deny', 'consent', 'no')])).toEqual([
      'The laboratory report is refused: your refusal towards South Hospital refuses it.',
      'Your permission for Dr Chen does not help: a refusal goes before a permission.',
    ])
  })

  test('by a permission that does not cover it', () => {
    expect(onRecord([applies('yes'), record('deny', 'consent', 'yes')])).toEqual([
      'The laboratory report is refused: your permission for Dr Chen does not go as far as this.',
    ])
    expect(onRecord([record('deny', 'consent', 'wide', 'yes')])?.[0]).toMatch(/do not go as far as this\.$/)
  })

  test('with a refusal that speaks to the request and not of this record', () => {
    expect(onRecord([applies('yes'), applies('no'), record('permit', 'consent', 'yes')])?.[1]).toBe(
      'Your refusal towards South Hospital speaks to such a request too, and does not decide about this.',
    )
  })

  test('by the default policy, the general one or her own', () => {
    expect(onRecord([record('permit', 'default-policy')])).toEqual([
      'The laboratory report may be read: nothing that you have said covers it, and the general rule for that is that what is not sensitive may be read for treatment.',
    ])
    expect(
      onRecord([record('deny', 'default-policy')], { defaultPolicy: 'deny', isPolicyChosen: true }),
    ).toEqual([
      'The laboratory report is refused: nothing that you have said covers it, and the rule that you have chosen for that is that nobody may read what you have not permitted.',
    ])
  })

  test('by the asker’s own standing', () => {
    expect(onRecord([record('permit', 'self')])).toEqual([
      'The laboratory report may be read: it is your own.',
    ])
    expect(onRecord([record('permit', 'author')])?.[0]).toMatch(/: the asker wrote it/)
  })

  test('by directives of both effects as a refusal, and by one that is not known here by its id', () => {
    expect(onRecord([record('deny', 'consent', 'yes', 'no')])?.[0]).toBe(
      'The laboratory report is refused: your permission for Dr Chen and your refusal towards South Hospital refuse it.',
    )
    expect(onRecord([record('deny', 'consent', 'c9')])?.[0]).toBe(
      'The laboratory report is refused: the consent c9 refuses it.',
    )
    expect(onRecord([record('permit', 'consent', 'wide', 'yes', 'c9')])?.[0]).toBe(
      'The laboratory report may be read: your permission for everybody, your permission for Dr Chen and the consent c9 allow it.',
    )
  })

  test('with others that do not decide: a permission that is no help against a refusal, and whatever else speaks', () => {
    const silent = ' speaks to such a request too, and does not decide about this.'
    expect(
      onRecord([
        applies('wide'),
        applies('c9'),
        applies('no'),
        record('deny', 'consent', 'yes', 'no'),
      ])?.slice(1),
    ).toEqual([
      'Your permission for everybody does not help: a refusal goes before a permission.',
      `The consent c9${silent}`,
    ])
    expect(onRecord([applies('wide'), record('deny', 'consent', 'c9')])?.slice(1)).toEqual([
      `Your permission for everybody${silent}`,
    ])
    expect(onRecord([applies('wide'), record('deny', 'consent', 'yes')])?.slice(1)).toEqual([
      `Your permission for everybody${silent}`,
    ])
    expect(onRecord([applies('wide'), applies('no'), record('permit', 'consent', 'no')])?.slice(1)).toEqual([
      `Your permission for everybody${silent}`,
    ])
    expect(onRecord([applies('wide'), record('deny', 'default-policy')])).toHaveLength(1)
  })

  test('and what was held back of it because of a part', () => {
    expect(explainHeldBack(['no'], names)).toBe(
      'It was held back as a whole when it was to be handed out: your refusal towards South Hospital refuses a part of it.',
    )
    expect(explainHeldBack([], names)).toBe(
      'It was held back as a whole: what is in it could not be decided on.',
    )
    expect(explainHeldBack(['no', 'c9'], names)).toMatch(/and the consent c9 refuse a part of it\.$/)
  })

  test('by the id of a consent that has no name', () => {
    expect(onRecord([record('permit', 'consent', 'c9')])?.[0]).toContain('the consent c9 allows it')
  })
})

describe('what holds for the whole request is told once', () => {
  const silent = (
    because: Extract<Note, { note: 'does-not-apply' }>['because'],
    purpose = 'HRESCH',
  ): Note => ({
    note: 'does-not-apply',
    consent: 'yes',
    because,
    purpose,
  })

  test.each([
    ['superseded', 'a newer one replaces it'],
    ['not-yet-valid', 'it is not valid yet'],
    ['no-longer-valid', 'it has ended'],
    ['for-somebody-else', 'it is about somebody else'],
    ['for-another-purpose', 'it is not about research'],
  ] as const)('that a directive does not count: %s', (because, words) => {
    const trace = [silent(because), silent(because), record('deny', 'default-policy')]
    expect(sentences(trace)).toEqual([`Your permission for Dr Chen does not count here: ${words}.`])
  })

  test('that an emergency is declared, that nothing was said, and which rule is for that', () => {
    const trace: Note[] = [
      { note: 'emergency-declared' },
      { note: 'default-policy', policy: 'break-glass-only', purpose: 'BTG' },
    ]
    expect(sentences(trace, { defaultPolicy: 'break-glass-only' })).toEqual([
      'An emergency is declared.',
      'Nothing that you have said covers such a request: the general rule for that is that your records may be read in a declared emergency only.',
    ])
  })

  test('what was not understood, and where', () => {
    const where = 'Consent.provision.class'
    expect(sentences([applies('no'), { note: 'not-understood', consent: 'no', where }])).toEqual([
      `A part of your refusal towards South Hospital is not understood (${where}): it permits nothing, and still refuses.`,
    ])
  })
})

describe('a directive is called', () => {
  const phrase = (root: Partial<Directive['root']>, isConsidered = false): string =>
    directivePhrase(
      { consent: '5b1f0c2a9d', root: { effect: 'permit', ...root } },
      { actor: ({ reference }) => reference?.replace('Practitioner/', 'Dr '), isConsidered },
    )
  const practitioners = (...all: string[]) => all.map((name) => ({ reference: `Practitioner/${name}` }))

  test('by whom and what it is for', () => {
    expect(phrase({})).toBe('your permission for everybody (5b1f0c2a)')
    expect(phrase({ effect: 'deny', actors: practitioners('Chen', 'Lee') })).toBe(
      'your refusal towards Dr Chen and Dr Lee (5b1f0c2a)',
    )
    expect(phrase({ actors: practitioners('Chen'), purposes: ['TREAT', 'HRESCH'] })).toBe(
      'your permission for Dr Chen, for treatment and research (5b1f0c2a)',
    )
  })

  test('by two of many, and by somebody where there is no name', () => {
    expect(phrase({ actors: practitioners('A', 'B', 'C', 'D') })).toContain('Dr A, Dr B and 2 others')
    expect(phrase({ actors: [{ role: 'doctor' }] })).toContain('for somebody')
  })

  test('otherwise when it is only considered', () => {
    expect(phrase({ actors: practitioners('Chen') }, true)).toBe('the considered permission for Dr Chen')
  })

  test('a purpose without a word is called by its code', () => {
    expect([purposeName('BTG'), purposeName('FAMRQT')]).toEqual([
      'emergencies that somebody declares',
      'the purpose FAMRQT',
    ])
  })
})

test('what decides when nothing else does is told last', () => {
  const trace: Note[] = [
    { note: 'default-policy', policy: 'basic-normal', purpose: 'TREAT' },
    { note: 'emergency-declared' },
    { note: 'does-not-apply', consent: 'yes', because: 'no-longer-valid' },
  ]
  expect(sentences(trace)).toEqual([
    'An emergency is declared.',
    'Your permission for Dr Chen does not count here: it has ended.',
    expect.stringMatching(/^Nothing that you have said covers such a request: the general rule/),
  ])
})

test('a phrase names up to three of those whom a directive is for, and counts the others', () => {
  const phrase = (...references: string[]): string =>
    directivePhrase(
      { consent: 'c1', root: { effect: 'deny', actors: references.map((reference) => ({ reference })) } },
      { actor: ({ reference }) => (reference === '?' ? undefined : reference) },
    )
  expect(phrase('a')).toBe('your refusal towards a (c1)')
  expect(phrase('a', 'b', 'c')).toBe('your refusal towards a, b and c (c1)')
  expect(phrase('a', 'b', 'c', 'd')).toBe('your refusal towards a, b and 2 others (c1)')
  expect(phrase('a', '?', 'a', '?')).toBe('your refusal towards a and somebody (c1)')
})
