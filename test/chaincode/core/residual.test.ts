import { describe, expect, test } from 'vitest'
import type { Directive, Facts, Rule } from 'medledger-chaincode/core'
import { hear } from '../../../chaincode/src/core/judge.ts'
import { residualOf, type ResidualRule } from '../../../chaincode/src/core/residual.ts'
import { deny, directiveOf, factsOf, permit } from '../../support/core-facts.ts'

const under = (...roots: Rule[]): Directive[] =>
  roots.map((root, index) => directiveOf(root, `c${index + 1}`))

function remaining(roots: readonly Rule[], more: Partial<Facts> = {}): ResidualRule[] {
  const facts = factsOf({ directives: under(...roots), ...more })
  return residualOf(facts, hear(facts))
}

const conditions = { classes: [{ resource: 'Condition' }] } as const
const observations = { classes: [{ resource: 'Observation' }] } as const
const others = { actors: [{ reference: 'Practitioner/x' }] } as const
const nothing = { type: 'deny' }

describe('what depends on the record', () => {
  test('is nothing where all is permitted', () => {
    expect(remaining([permit()])).toEqual([])
    expect(remaining([permit(), permit(conditions)])).toEqual([])
    expect(remaining([permit(conditions), permit()])).toEqual([])
  })

  test('is what is denied within permits, however deep', () =>
    expect(remaining([permit({ rules: [permit({ rules: [deny(conditions)] })] })])).toEqual([
      { type: 'deny', consent: 'c1', ...conditions },
    ]))

  test('is what is denied of all', () =>
    expect(remaining([permit(), deny(conditions)])).toEqual([{ type: 'deny', consent: 'c2', ...conditions }]))

  test('is what alone is permitted, then what of that is denied', () => {
    expect(remaining([deny(observations), permit(conditions)])).toEqual([
      nothing,
      { type: 'permit', consent: 'c2', ...conditions },
      { type: 'deny', consent: 'c1', ...observations },
    ])
  })

  test('has every attribute of a rule that is about data', () => {
    const all: Omit<Rule, 'effect'> = {
      classes: [{ resource: 'Condition' }],
      documents: [{ code: 'd' }],
      codes: [{ code: 'a' }],
      data: [{ meaning: 'instance', reference: 'Condition/c' }],
      dated: { start: 1 },
      labels: { confidentiality: 3 },
    }
    const asked = {
      start: 1,
      end: 2000,
      actors: [{ anybody: true }],
      purposes: ['TREAT'],
      actions: ['access'],
    } as const
    expect(remaining([permit(), deny({ ...all, ...asked })])).toEqual([
      { type: 'deny', consent: 'c2', ...all },
    ])
    for (const [name, value] of Object.entries(all)) {
      const rule = { type: 'permit', consent: 'c1', [name]: value }
      expect(remaining([permit({ [name]: value })])).toEqual([nothing, rule])
    }
  })

  test('adds the permits and denies below to a permit', () => {
    const root = permit({ ...conditions, rules: [permit(observations), deny({ codes: [{ code: 'a' }] })] })
    expect(remaining([root])).toEqual([
      nothing,
      { type: 'permit', consent: 'c1', ...conditions },
      { type: 'permit', consent: 'c1', ...observations },
      { type: 'deny', consent: 'c1', codes: [{ code: 'a' }] },
    ])
  })

  test('keeps the exceptions of a deny with it, and adds the denies below', () => {
    const inner = deny({ codes: [{ code: 'a' }] })
    const root = deny({ ...conditions, rules: [permit(observations), inner] })
    expect(remaining([permit(), root])).toEqual([
      {
        type: 'deny',
        consent: 'c2',
        ...conditions,
        except: [{ type: 'permit', consent: 'c2', ...observations }],
      },
      { type: 'deny', consent: 'c2', codes: [{ code: 'a' }] },
    ])
    expect(remaining([permit(), deny({ ...conditions, rules: [inner] })])[0]).not.toHaveProperty('except')
  })

  test('leaves out what is for others, another time, another purpose', () => {
    for (const gate of [others, { end: 999 }, { purposes: ['HRESCH'] }]) {
      expect(remaining([permit({ rules: [deny({ ...gate, rules: [deny()] })] })])).toEqual([])
      expect(remaining([permit({ ...conditions, rules: [permit(gate)] })])).toHaveLength(2)
    }
    expect(remaining([permit(), deny(others)])).toEqual([])
  })

  test('leaves out what is for another action, which a permit hands down', () => {
    expect(
      remaining([permit({ actions: ['use'], rules: [permit({ ...conditions, actions: ['access'] })] })]),
    ).toEqual([nothing, { type: 'permit', consent: 'c1', ...conditions }])
    expect(remaining([permit(conditions), permit({ actions: ['use'], rules: [permit()] })])).toHaveLength(2)
    expect(remaining([permit(), deny({ actions: ['use'], rules: [deny(conditions)] })])).toEqual([
      { type: 'deny', consent: 'c2', ...conditions },
    ])
  })
})

describe('a rule that cannot permit does not remain', () => {
  const narrow = { type: 'permit', consent: 'c2', ...conditions }
  test.each<[string, Rule]>([
    ['since something that could change it was not understood', permit({ unclear: true })],
    ['since a rule above it was not understood', permit({ unclear: true, rules: [permit()] })],
    ['since it is for a group that nobody knows', permit({ actors: [{ reference: 'Group/g' }] })],
    ['since its purpose was not understood', permit({ purposes: ['?'] })],
    ['since its action was not understood', permit({ actions: ['?'] })],
    ['since no class was', permit({ classes: ['?'] })],
    ['since no type of document was', permit({ documents: ['?'] })],
    ['since no code was', permit({ codes: ['?', '?'] })],
    ['since no data were', permit({ data: [{ meaning: '?', reference: '' }] })],
    ['since no label was', permit({ labels: { sensitivities: ['?'] } })],
  ])('%s', (_why, root) => expect(remaining([root, permit(conditions)])).toEqual([nothing, narrow]))

  test('unless one of its values was understood', () => {
    const some: Omit<Rule, 'effect'>[] = [
      { classes: ['?', { resource: 'Observation' }] },
      { codes: ['?', { code: 'a' }] },
      {
        data: [
          { meaning: '?', reference: '' },
          { meaning: 'instance', reference: 'Condition/c' },
        ],
      },
      { labels: { sensitivities: ['?', 'HIV'] } },
      { labels: { confidentiality: 3, sensitivities: ['?'] } },
      { labels: { confidentiality: 3 } },
      { dated: { start: 1 } },
    ]
    for (const attributes of some)
      expect(remaining([permit(attributes), permit(conditions)])).toEqual([
        nothing,
        { type: 'permit', consent: 'c1', ...attributes },
        narrow,
      ])
  })

  test('as an exception either', () => {
    const exception = (attributes: Omit<Rule, 'effect'>): ResidualRule[] =>
      remaining([
        permit(),
        deny({ ...conditions, rules: [permit({ ...attributes, rules: [deny(observations)] })] }),
      ])
    const denied = { type: 'deny', consent: 'c2', ...conditions }
    expect(exception({ codes: ['?'] })).toEqual([denied])
    expect(exception({ unclear: true })).toEqual([denied])
    expect(exception({ actions: ['use'] })).toEqual([denied])
  })

  test('when the glass is broken and it speaks of treatment alone', () => {
    const roots = [permit({ purposes: ['TREAT'] }), permit({ ...conditions, purposes: ['BTG'] })]
    expect(remaining(roots, { purposes: ['BTG'] })).toEqual([nothing, narrow])
    const opened = permit({
      ...observations,
      purposes: ['TREAT'],
      rules: [permit({ ...conditions, purposes: ['BTG'] })],
    })
    expect(remaining([opened], { purposes: ['BTG'] })).toHaveLength(3)
  })
})

test('what is denied within an exception goes with it, after what is permitted', () => {
  const inner = { codes: [{ code: 'a' }] }
  const root = deny({
    ...conditions,
    rules: [permit({ ...observations, rules: [deny(inner)] }), deny(others)],
  })
  expect(remaining([permit(), root])).toEqual([
    {
      type: 'deny',
      consent: 'c2',
      ...conditions,
      except: [
        { type: 'permit', consent: 'c2', ...observations },
        { type: 'deny', consent: 'c2', ...inner },
      ],
    },
  ])
})

test('a deny of everything but for its exceptions makes nothing void that stands before it', () => {
  const root = deny({ rules: [permit(observations)] })
  expect(remaining([root, permit(conditions)])).toEqual([
    nothing,
    { type: 'permit', consent: 'c2', ...conditions },
    { type: 'deny', consent: 'c1', except: [{ type: 'permit', consent: 'c1', ...observations }] },
  ])
})

describe('with newest-wins the newest stands last', () => {
  const told = (...roots: Rule[]): ResidualRule[] => {
    const directives = roots.map((root, index) => directiveOf(root, `c${index + 1}`, { given: index }))
    const facts = factsOf({ directives, combining: 'newest-wins' })
    return residualOf(facts, hear(facts))
  }

  test.each<[string, Rule[], object[]]>([
    ['a permit of all voids what is older', [deny(), permit()], []],
    [
      'a permit of some voids what is older',
      [permit(), permit(conditions)],
      [nothing, { type: 'permit', consent: 'c2', ...conditions }],
    ],
    [
      'a deny of some leaves the rest to the older',
      [permit(conditions), deny(observations)],
      [
        nothing,
        { type: 'permit', consent: 'c1', ...conditions },
        { type: 'deny', consent: 'c2', ...observations },
      ],
    ],
  ])('%s', (_what, roots, expected) => expect(told(...roots)).toEqual(expected))
})

describe('where no directive permits, the default policy does', () => {
  const limited = [deny(conditions)]
  const denied = { type: 'deny', consent: 'c1', ...conditions }
  const normal = { type: 'permit', labels: { confidentiality: 3 } }
  test.each<[Facts['defaultPolicy'], string, unknown[]]>([
    ['deny', 'TREAT', [nothing, denied]],
    ['basic-normal', 'TREAT', [nothing, normal, denied]],
    ['all-normal', 'HRESCH', [nothing, normal, denied]],
    ['basic-normal', 'HRESCH', [nothing, denied]],
    ['basic-normal', 'BTG', [nothing, denied]],
    ['all-normal', 'NOSUCH', [nothing, denied]],
    ['break-glass-only', 'TREAT', [nothing, denied]],
    ['break-glass-only', 'BTG', [denied]],
  ])('%s for %s', (defaultPolicy, purpose, expected) =>
    expect(remaining(limited, { defaultPolicy, purposes: [purpose] })).toEqual(expected),
  )

  test('and not where one permits', () =>
    expect(remaining([permit(conditions)], { defaultPolicy: 'all-normal' })).toHaveLength(2))
})

test('for several purposes each rule says which it is about', () => {
  const roots = [permit({ purposes: ['TREAT'], ...conditions }), permit({ purposes: ['HRESCH'] })]
  expect(remaining(roots, { purposes: ['TREAT', 'HRESCH'] })).toEqual([
    { ...nothing, purpose: 'TREAT' },
    { type: 'permit', consent: 'c1', ...conditions, purpose: 'TREAT' },
  ])
})
