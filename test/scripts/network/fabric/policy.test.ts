import * as fc from 'fast-check'
import { collectionsOf } from 'medledger-chaincode/api'
import { describe, expect, test } from 'vitest'
import {
  endorsementPolicy,
  holds,
  toPolicyMessage,
  type Principal,
} from '../../../../scripts/network/fabric/policy.ts'
import { demoTopology } from '../../../../scripts/network/topology.ts'

const peer = (mspId: string): Principal => ({ mspId, role: 'peer' })
const names = ['north', 'south', 'authority']
const policyOf = (name: string): ReturnType<typeof endorsementPolicy> => {
  const collection = collectionsOf(demoTopology().constitution).find((candidate) => candidate.name === name)
  if (collection === undefined) throw new Error(name)
  return endorsementPolicy(collection.endorsers, (organisation) => organisation)
}
const subset = fc.subarray(names)

describe('endorsement policies', () => {
  test('an access collection takes its custodian and any one other', () => {
    fc.assert(
      fc.property(subset, (endorsers) => {
        const expected = endorsers.includes('north') && endorsers.length >= 2
        expect(holds(policyOf('access-north'), endorsers.map(peer))).toBe(expected)
      }),
    )
  })

  test('a consent collection takes any two', () => {
    fc.assert(
      fc.property(subset, (endorsers) => {
        expect(holds(policyOf('consent-north'), endorsers.map(peer))).toBe(endorsers.length >= 2)
      }),
    )
  })

  test('only peers endorse', () => {
    for (const role of ['client', 'admin', 'orderer'] as const)
      expect(holds(policyOf('consent-north'), [peer('north'), { mspId: 'south', role }])).toBe(false)
  })

  test('two peers of one organisation count once', () => {
    expect(holds(policyOf('consent-north'), [peer('north'), peer('north')])).toBe(false)
  })

  test('more endorsers never make a valid transaction invalid', () => {
    fc.assert(
      fc.property(
        subset,
        subset,
        fc.constantFrom('access-north', 'consent-south', 'registry'),
        (some, more, name) => {
          const policy = policyOf(name)
          fc.pre(holds(policy, some.map(peer)))
          expect(holds(policy, [...new Set([...some, ...more])].map(peer))).toBe(true)
        },
      ),
    )
  })

  test('as messages name each principal once', () => {
    const message = toPolicyMessage(policyOf('access-north'))
    expect(message.getIdentitiesList()).toHaveLength(3)
    const rule = message.getRule()?.getNOutOf()
    expect(rule?.getN()).toBe(2)
    expect(rule?.getRulesList()[1]?.getNOutOf()?.getN()).toBe(1)
  })
})
