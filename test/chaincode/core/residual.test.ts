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
  test('is nothing where all is permitted', () => expect(remaining([permit()])).toEqual([]))

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

describe('where no directive permits, the default policy does', () => {
  const limited = [deny(conditions)]
  const denied = { type: 'deny', consent: 'c1', ...conditions }
  const normal = { type: 'permit', labels: { confidentiality: 3 } }
  test.each<[Facts['defaultPolicy'], string, unknown[]]>([
    ['deny', 'TREAT', [nothing, denied]],
    ['basic-normal', 'TREAT', [nothing, normal, denied]],
    ['all-normal', 'HRESCH', [nothing, normal, denied]],
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
