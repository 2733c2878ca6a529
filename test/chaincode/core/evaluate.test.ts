import { describe, expect, test } from 'vitest'
import type { Facts, RecordFacts, Rule } from 'medledger-chaincode/core'
import {
  isDeny,
  isHeard,
  isPermit,
  results,
  say,
  voiceOf,
  type Result,
  type Voice,
} from '../../../chaincode/src/core/evaluate.ts'
import { deny, directiveOf, factsOf, permit, recordFacts } from '../../support/core-facts.ts'

const { none, permitByTreatment, denyByTreatment } = results

interface Asked extends Partial<Facts> {
  readonly purpose?: string
}

/** The voice of a directive with this root. Errors: an Error when it has none. */
function voice(root: Rule, { purpose = 'TREAT', ...more }: Asked = {}): Voice {
  const found = voiceOf(directiveOf(root), factsOf(more), purpose)
  if (typeof found === 'string') throw new Error(found)
  return found
}

const says = (root: Rule, asked: Asked = {}, record: Partial<RecordFacts> = {}): Result =>
  say(voice(root, asked), { record: recordFacts(record), sensitivity: record.sensitivities?.[0] })

const observations = { classes: [{ resource: 'Observation' }] } as const
const conditions = { classes: [{ resource: 'Condition' }] } as const
const south = { actors: [{ reference: 'Organization/south' }] } as const
const north = { actors: [{ reference: 'Organization/north' }] } as const
const group = { actors: [{ reference: 'Group/g' }] } as const

test('by strength: nothing, permit and deny by treatment, permit, deny', () => {
  const { permit: permits, deny: denies } = results
  expect([none, permitByTreatment, denyByTreatment, permits, denies]).toEqual([0, 1, 2, 3, 4])
  expect([none, permitByTreatment, denyByTreatment, permits, denies].map(isDeny)).toEqual([
    false,
    false,
    true,
    false,
    true,
  ])
  expect([none, permitByTreatment, denyByTreatment, permits, denies].map(isPermit)).toEqual([
    false,
    true,
    false,
    true,
    false,
  ])
})

describe('a directive has nothing to say', () => {
  const obstacle = (root: Rule, purpose = 'TREAT', more: Partial<Facts> = {}): unknown =>
    voiceOf(directiveOf(root), factsOf(more), purpose)

  test.each<[string, Rule, unknown]>([
    ['before it begins', permit({ start: 1001 }), 'not-yet-valid'],
    ['after its end', permit({ end: 999 }), 'no-longer-valid'],
    ['to somebody else', permit(north), 'for-somebody-else'],
    ['to another purpose', permit({ purposes: ['HRESCH'] }), 'for-another-purpose'],
    ['to another purpose of another system', permit({ purposes: ['urn:x|TREAT'] }), 'for-another-purpose'],
  ])('%s', (_when, root, expected) => expect(obstacle(root)).toBe(expected))

  test('about its validity rather than about anything else', () => {
    expect(obstacle(permit({ start: 1001, ...north }))).toBe('not-yet-valid')
    expect(obstacle(permit({ ...north, purposes: ['HRESCH'] }))).toBe('for-somebody-else')
  })

  test('to a broken glass by a purpose that is neither it nor treatment', () => {
    expect(obstacle(deny({ purposes: ['HRESCH'] }), 'BTG')).toBe('for-another-purpose')
    expect(obstacle(deny({ purposes: ['ETREAT'] }), 'BTG')).toBe('for-another-purpose')
    for (const purposes of [['TREAT'], ['PurposeOfUse'], ['HRESCH', 'BTG'], ['?']])
      expect(obstacle(deny({ purposes }), 'BTG')).toBeTypeOf('object')
  })

  test('but does speak at its first and last instant, and where it cannot be told', () => {
    for (const root of [
      permit({ start: 1000 }),
      permit({ end: 1000 }),
      permit(group),
      permit({ purposes: ['?'] }),
    ])
      expect(obstacle(root)).toBeTypeOf('object')
  })
})

describe('a directive is an allow-list', () => {
  const isAllowList = (root: Rule, asked?: Asked): boolean => voice(root, asked).isAllowList

  test('when its root permits, for whatever data', () => {
    expect(isAllowList(permit())).toBe(true)
    expect(isAllowList(permit(conditions))).toBe(true)
    expect(isAllowList(permit({ purposes: ['?'] }))).toBe(true)
    expect(isAllowList(deny({ rules: [permit()] }))).toBe(false)
  })

  test('when the glass is broken, only if it speaks of that', () => {
    const asked = { purpose: 'BTG' }
    expect(isAllowList(permit(), asked)).toBe(false)
    expect(isAllowList(permit({ purposes: ['TREAT'] }), asked)).toBe(false)
    expect(isAllowList(permit({ purposes: ['BTG'] }), asked)).toBe(true)
    expect(isAllowList(permit({ purposes: ['BTG'], actions: ['use'] }), asked)).toBe(true)
    expect(isAllowList(permit({ purposes: ['?'] }), asked)).toBe(true)
    expect(isAllowList(permit({ rules: [permit({ purposes: ['BTG'] })] }), asked)).toBe(true)
    expect(
      isAllowList(
        permit({ rules: [permit({ purposes: ['HRESCH'] }), permit({ purposes: ['BTG'] })] }),
        asked,
      ),
    ).toBe(true)
    expect(
      isAllowList(
        permit({ rules: [permit({ purposes: ['HRESCH'], rules: [permit({ purposes: ['BTG'] })] })] }),
        asked,
      ),
    ).toBe(false)
    expect(isAllowList(permit({ rules: [permit({ ...north, purposes: ['BTG'] })] }), asked)).toBe(false)
    expect(isAllowList(deny({ rules: [permit({ purposes: ['BTG'] })] }), asked)).toBe(false)
    expect(isAllowList(permit({ rules: [deny({ purposes: ['BTG'] })] }), asked)).toBe(false)
  })
})

test('a rule is heard that is for the asker, the time and the purpose, or may be', () => {
  const heard = (rule: Rule): boolean => isHeard(rule, voice(permit()))
  expect(heard(deny())).toBe(true)
  expect(heard(deny({ ...south, purposes: ['TREAT'], end: 1000 }))).toBe(true)
  expect(heard(deny(group))).toBe(true)
  expect(heard(deny({ purposes: ['?'] }))).toBe(true)
  expect(heard(deny(north))).toBe(false)
  expect(heard(deny({ purposes: ['HRESCH'] }))).toBe(false)
  expect(heard(deny({ end: 999 }))).toBe(false)
})

describe('a permit', () => {
  test.each<[string, Rule, Result]>([
    ['permits what it is about', permit(observations), results.permit],
    ['says nothing of anything else', permit(conditions), none],
    ['says nothing where it cannot be told', permit({ dated: { start: 0 } }), none],
    ['says nothing when it is not understood', permit({ unclear: true }), none],
    ['says nothing to a group that nobody knows', permit(group), none],
    ['says nothing for a purpose that is not understood', permit({ purposes: ['?'] }), none],
    [
      'is added to by the permits below it',
      permit({ ...conditions, rules: [permit(observations)] }),
      results.permit,
    ],
    [
      'is no wider by what does not match below it',
      permit({ ...conditions, rules: [permit(conditions)] }),
      none,
    ],
    ['is overruled by a deny below it', permit({ rules: [deny(observations)] }), results.deny],
    [
      'is overruled by a deny below it where it does not match',
      permit({ ...conditions, rules: [deny(observations)] }),
      results.deny,
    ],
    [
      'is overruled by a deny below it that cannot be told',
      permit({ rules: [deny({ dated: { start: 0 } })] }),
      results.deny,
    ],
    ['stands beside a deny of other data', permit({ rules: [deny(conditions)] }), results.permit],
    ['stands beside a deny of others', permit({ rules: [deny(north)] }), results.permit],
    [
      'that is unclear leaves the denies below it',
      permit({ unclear: true, rules: [deny(observations)] }),
      results.deny,
    ],
    ['that is unclear takes the permits below it along', permit({ unclear: true, rules: [permit()] }), none],
    [
      'for a group that nobody knows takes the permits below it along',
      permit({ ...group, rules: [permit()] }),
      none,
    ],
    [
      'for a purpose that is not understood takes the permits below it along',
      permit({ purposes: ['?'], rules: [permit({ purposes: ['TREAT'] })] }),
      none,
    ],
    [
      'below one that is clear may be unclear by itself',
      permit({ ...conditions, rules: [permit({ unclear: true }), permit()] }),
      results.permit,
    ],
    ['hands its action to the permits below it', permit({ actions: ['use'], rules: [permit()] }), none],
    [
      'below another has an action of its own',
      permit({ actions: ['use'], rules: [permit({ actions: ['access'] })] }),
      results.permit,
    ],
    [
      'hands its action no further than a deny',
      permit({ actions: ['use'], rules: [deny({ rules: [permit()] })] }),
      results.permit,
    ],
    [
      'hands its action down through a permit that names none',
      permit({ actions: ['use'], rules: [permit({ rules: [permit()] })] }),
      none,
    ],
  ])('%s', (_what, root, expected) => expect(says(root)).toBe(expected))
})

describe('a deny', () => {
  test.each<[string, Rule, Result]>([
    ['denies what it is about', deny(observations), results.deny],
    ['says nothing of anything else', deny(conditions), none],
    ['denies where it cannot be told', deny({ dated: { start: 0 } }), results.deny],
    ['denies when it is not understood', deny({ unclear: true }), results.deny],
    ['leaves an exception', deny({ rules: [permit(observations)] }), results.permit],
    ['denies what is no exception', deny({ rules: [permit(conditions)] }), results.deny],
    ['leaves no exception outside of itself', deny({ ...conditions, rules: [permit()] }), none],
    [
      'leaves no exception where it cannot be told',
      deny({ dated: { start: 0 }, rules: [permit()] }),
      results.deny,
    ],
    ['that is not understood leaves no exception', deny({ unclear: true, rules: [permit()] }), results.deny],
    [
      'below it counts where it does not match',
      deny({ ...conditions, rules: [deny(observations)] }),
      results.deny,
    ],
    ['below it takes an exception back', deny({ rules: [permit(), deny(observations)] }), results.deny],
    [
      'within an exception takes its part back',
      deny({ rules: [permit({ rules: [deny(observations)] })] }),
      results.deny,
    ],
    [
      'within an exception leaves the other part',
      deny({ rules: [permit({ rules: [deny(conditions)] })] }),
      results.permit,
    ],
  ])('%s', (_what, root, expected) => expect(says(root)).toBe(expected))
})

test('actors, periods and purposes of a rule narrow all that is below it', () => {
  for (const gate of [north, { end: 999 }, { purposes: ['HRESCH'] }])
    expect(says(permit({ rules: [permit({ ...gate, rules: [deny()] })] }))).toBe(results.permit)
})

test('labels are matched for the sensitivity that is looked at', () => {
  const labels = { sensitivities: ['HIV'] }
  const record = recordFacts({ sensitivities: ['HIV', 'PSY'] })
  expect(say(voice(deny({ labels })), { record, sensitivity: 'HIV' })).toBe(results.deny)
  expect(say(voice(deny({ labels })), { record, sensitivity: 'PSY' })).toBe(none)
})

describe('when the glass is broken', () => {
  const btg = { purpose: 'BTG', purposes: ['BTG'] }
  const named = permit({ purposes: ['BTG'] })
  const treatment = permit({ purposes: ['TREAT'] })

  test.each<[string, Rule, Result]>([
    ['a permit by name permits', named, results.permit],
    ['a permit of treatment says nothing', treatment, none],
    ['a permit of no purpose says nothing', permit(), none],
    ['a deny by name denies', deny({ purposes: ['BTG'] }), results.deny],
    ['a deny of no purpose denies', deny(), results.deny],
    ['a deny of treatment denies by treatment', deny({ purposes: ['TREAT'] }), denyByTreatment],
    ['a deny of treatment and of it denies by name', deny({ purposes: ['TREAT', 'BTG'] }), results.deny],
    ['a deny of what is not understood denies', deny({ purposes: ['?'] }), results.deny],
    [
      'a deny of treatment and of what is not understood denies, perhaps by name',
      deny({ purposes: ['?', 'TREAT'] }),
      results.deny,
    ],
    ['a permit of what is not understood permits nothing', permit({ purposes: ['?'] }), none],
    [
      'a permit by name opens the permit of treatment above it',
      permit({ ...observations, purposes: ['TREAT'], rules: [permit({ ...conditions, purposes: ['BTG'] })] }),
      permitByTreatment,
    ],
    [
      'a permit by name opens the permit of no purpose above it',
      permit({ ...observations, rules: [permit({ ...conditions, purposes: ['BTG'] })] }),
      permitByTreatment,
    ],
    [
      'a permit by name opens no permit of something else',
      permit({
        rules: [
          permit({ ...conditions, purposes: ['BTG'] }),
          permit({ ...observations, purposes: ['HRESCH'] }),
        ],
        ...conditions,
      }),
      none,
    ],
    [
      'a permit by name for others opens nothing',
      permit({ rules: [permit({ ...north, purposes: ['BTG'] })] }),
      none,
    ],
    [
      'a permit by name for a group that nobody knows opens nothing',
      permit({ rules: [permit({ ...group, purposes: ['BTG'] })] }),
      none,
    ],
    [
      'a permit by name that is unclear opens nothing',
      permit({ rules: [permit({ unclear: true, purposes: ['BTG'] })] }),
      none,
    ],
    [
      'a permit by name below an unclear rule opens nothing',
      permit({ unclear: true, rules: [permit({ purposes: ['BTG'] })] }),
      none,
    ],
    [
      'a permit by name to something else opens nothing',
      permit({ rules: [permit({ actions: ['use'], purposes: ['BTG'] })] }),
      none,
    ],
    [
      'a permit by name to what is not understood opens nothing',
      permit({ rules: [permit({ actions: ['?'], purposes: ['BTG'] })] }),
      none,
    ],
    [
      'a permit by name has the action of the permit above it',
      permit({ actions: ['use'], rules: [permit({ purposes: ['BTG'] }), permit({ actions: ['access'] })] }),
      none,
    ],
    [
      'a permit by name has no action of a deny above it',
      deny({ purposes: ['TREAT'], actions: ['use'], rules: [permit({ ...conditions, purposes: ['BTG'] })] }),
      none,
    ],
    [
      'a permit by name below a purpose that is not understood opens nothing',
      permit({ purposes: ['?'], rules: [permit({ purposes: ['BTG'] }), permit({ purposes: ['TREAT'] })] }),
      none,
    ],
    ['a deny by name opens nothing', permit({ rules: [deny({ ...conditions, purposes: ['BTG'] })] }), none],
    [
      'a permit within one by name has its purpose',
      permit({ ...conditions, purposes: ['BTG'], rules: [permit(observations)] }),
      results.permit,
    ],
    [
      'a deny of no purpose within one of treatment denies by treatment',
      deny({ purposes: ['TREAT'], ...conditions, rules: [deny(observations)] }),
      denyByTreatment,
    ],
    [
      'a deny of treatment is weaker than a permit by name below it',
      deny({ purposes: ['TREAT'], rules: [permit({ purposes: ['BTG'] })] }),
      results.permit,
    ],
    [
      'a deny of treatment is weaker than a permit by name beside it',
      permit({ ...conditions, rules: [deny({ purposes: ['TREAT'] }), permit({ purposes: ['BTG'] })] }),
      results.permit,
    ],
    [
      'a deny of treatment is weaker than the permit by name above it',
      permit({ purposes: ['BTG'], rules: [deny({ purposes: ['TREAT'] })] }),
      results.permit,
    ],
    [
      'a deny of treatment is stronger than a permit by treatment',
      permit({
        ...observations,
        rules: [permit({ ...conditions, purposes: ['BTG'] }), deny({ purposes: ['TREAT'] })],
      }),
      denyByTreatment,
    ],
    [
      'a deny of treatment leaves what is its exception by treatment',
      deny({
        purposes: ['TREAT'],
        rules: [permit(observations), permit({ ...conditions, purposes: ['BTG'] })],
      }),
      permitByTreatment,
    ],
    [
      'a deny by name is stronger than a permit by name',
      permit({ purposes: ['BTG'], rules: [deny({ purposes: ['BTG'] })] }),
      results.deny,
    ],
    [
      'a deny by name below a deny of treatment keeps its strength',
      deny({ purposes: ['TREAT'], rules: [deny({ purposes: ['BTG'] })] }),
      results.deny,
    ],
  ])('%s', (_what, root, expected) => expect(says(root, btg)).toBe(expected))

  test('a deny of treatment counts where the one above it does not match, whatever is permitted there', () => {
    const below = [permit({ purposes: ['BTG'] }), deny(observations)]
    expect(says(deny({ purposes: ['TREAT'], ...conditions, rules: below }), btg)).toBe(denyByTreatment)
  })

  test('a directive entitles where it permits the asker to declare it, whatever the record', () => {
    const isEntitling = (root: Rule, purpose = 'BTG'): boolean => voice(root, { purpose }).isEntitling
    expect(isEntitling(named)).toBe(true)
    expect(isEntitling(permit({ ...conditions, purposes: ['BTG'] }))).toBe(true)
    expect(isEntitling(deny({ purposes: ['TREAT'], rules: [named] }))).toBe(true)
    expect(isEntitling(deny({ rules: [permit({ purposes: ['HRESCH'], rules: [named] })] }))).toBe(false)
    expect(isEntitling(treatment)).toBe(false)
    expect(isEntitling(deny({ purposes: ['BTG'] }))).toBe(false)
    expect(isEntitling(deny({ purposes: ['BTG'], rules: [permit()] }))).toBe(true)
    expect(isEntitling(permit({ purposes: ['BTG', 'TREAT'] }), 'TREAT')).toBe(false)
    expect(isEntitling(permit({ purposes: ['?'], rules: [named] }))).toBe(false)
    expect(isEntitling(deny({ actions: ['use'], rules: [named] }))).toBe(true)
    expect(isEntitling(permit({ actions: ['use'], rules: [named] }))).toBe(false)
  })
})
