import type { X509Certificate } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  areSame,
  layOut,
  nameOf,
  toTree,
  type Elements,
} from '../../../../../scripts/network/embedded/configuration/elements.ts'
import { applyUpdate } from '../../../../../scripts/network/embedded/configuration/update.ts'
import type { Membership } from '../../../../../scripts/network/embedded/msp/membership.ts'
import {
  build,
  bytes,
  common,
  decode,
  encode,
  encoded,
} from '../../../../../scripts/network/fabric/message.ts'
import { toPolicyMessage, type Policy } from '../../../../../scripts/network/fabric/policy.ts'

/* The rules by which an update changes a configuration, on a small one with organisations that have no certificates. */

const organisations = ['A', 'B', 'C', 'D']
const { ANY, ALL, MAJORITY } = common.ImplicitMetaPolicy.Rule
const types = common.Policy.PolicyType
const good = Buffer.from('good')

/** An identity is `organisation name`. */
const membership: Membership = {
  mspIds: new Set(organisations),
  identify(identity) {
    const text = bytes(identity).toString()
    const [mspId = ''] = text.split(' ')
    if (!organisations.includes(mspId)) throw new Error('nobody knows it')
    const certificate = { fingerprint256: text } as X509Certificate
    return { mspId, role: 'admin', certificate, notBefore: 0, notAfter: 0 }
  },
  verify: (_, __, signature) => good.equals(signature),
}

const policyOf = (policy: common.Policy): common.ConfigPolicy =>
  build(common.ConfigPolicy, { modPolicy: 'Admins', policy })
const signed = (policy: Policy): common.ConfigPolicy =>
  policyOf(build(common.Policy, { type: types.SIGNATURE, value: encode(toPolicyMessage(policy)) }))
const implicit = (rule: typeof ANY | typeof ALL | typeof MAJORITY): common.ConfigPolicy => {
  const value = encoded(common.ImplicitMetaPolicy, { rule, subPolicy: 'Admins' })
  return policyOf(build(common.Policy, { type: types.IMPLICIT_META, value }))
}
const admin = (mspId: string): { readonly mspId: string; readonly role: 'admin' } => ({
  mspId,
  role: 'admin',
})

/** The version that every element has. */
const version = 3

function tree(): common.ConfigGroup {
  const root = build(common.ConfigGroup, { version, modPolicy: 'All' })
  const policies = { Any: implicit(ANY), All: implicit(ALL), Majority: implicit(MAJORITY) }
  for (const [name, policy] of Object.entries(policies)) root.getPoliciesMap().set(name, policy)
  root.getPoliciesMap().set('Two', signed({ count: 2, rules: [admin('A'), admin('A')] }))
  for (const modPolicy of ['Any', 'All', 'Majority', 'Two', '/Channel/B/Admins', 'C/Admins', 'None', ''])
    root
      .getValuesMap()
      .set(`by-${modPolicy.replaceAll('/', '.')}`, build(common.ConfigValue, { version, modPolicy }))
  for (const name of organisations) {
    const group = build(common.ConfigGroup, { version, modPolicy: 'Admins' })
    group.getPoliciesMap().set('Admins', signed({ count: 1, rules: [admin(name)] }))
    group.getValuesMap().set('Own', build(common.ConfigValue, { version, modPolicy: 'Admins' }))
    root.getGroupsMap().set(name, group)
  }
  return root
}
const current = layOut(tree())

interface Signature {
  readonly by: string
  readonly isGood?: boolean
}

interface Update {
  readonly read?: common.ConfigGroup
  readonly write: common.ConfigGroup
  readonly by: readonly Signature[]
  readonly channel?: string
}

function apply({ read = tree(), write, by, channel: channelId = 'channel' }: Update): Elements {
  const configUpdate = encoded(common.ConfigUpdate, { channelId, readSet: read, writeSet: write })
  const signaturesList = by.map(({ by: creator, isGood = true }) =>
    build(common.ConfigSignature, {
      signatureHeader: encoded(common.SignatureHeader, { creator: Buffer.from(creator) }),
      signature: isGood ? good : Buffer.from('bad'),
    }),
  )
  const envelope = encoded(common.ConfigUpdateEnvelope, { configUpdate, signaturesList })
  return applyUpdate(envelope, { channel: 'channel', elements: current, membership })
}

const succeeds = (update: Update): boolean => {
  try {
    apply(update)
    return true
  } catch {
    return false
  }
}

/** The configuration with another value, of the version that an update gives it. */
function changed(name: string, to = version + 1, modPolicy?: string): common.ConfigGroup {
  const root = tree()
  const found = root.getValuesMap().get(name)
  const value = { version: to, modPolicy: modPolicy ?? found?.getModPolicy(), value: Buffer.from('new') }
  root.getValuesMap().set(name, build(common.ConfigValue, value))
  return root
}

const everyone = organisations.map((by) => ({ by }))
const valueAt = (elements: Elements, ...path: readonly string[]): string | undefined =>
  elements.get(nameOf('value', ['Channel', ...path]))?.content.toString()

describe('who has to agree', () => {
  const signatures = fc.array(
    fc.record({
      by: fc.constantFrom('A', 'A again', 'B', 'B again', 'C', 'D', 'stranger'),
      isGood: fc.boolean(),
    }),
  )
  /** Distinct signers whose signatures hold, by organisation. */
  const counted = (by: readonly Signature[], organisation: string): number =>
    new Set(
      by.filter((one) => one.isGood !== false && one.by.split(' ')[0] === organisation).map((one) => one.by),
    ).size
  const present = (by: readonly Signature[]): number =>
    organisations.filter((name) => counted(by, name) > 0).length

  test.each<[string, (by: readonly Signature[]) => boolean]>([
    ['Any', (by) => present(by) >= 1],
    ['All', (by) => present(by) === organisations.length],
    ['Majority', (by) => present(by) > organisations.length / 2],
    ['Two', (by) => counted(by, 'A') >= 2],
    ['.Channel.B.Admins', (by) => counted(by, 'B') > 0],
    ['C.Admins', (by) => counted(by, 'C') > 0],
    ['None', () => false],
    ['', () => false],
  ])('the policy %s decides by the good signatures of distinct signers', (name, expected) => {
    // What cannot be set again, as it is not a policy's name.
    const write = changed(`by-${name}`, version + 1, name === '' ? 'Any' : undefined)
    fc.assert(
      fc.property(signatures, (by) => {
        expect(succeeds({ write, by })).toBe(expected(by))
      }),
      { numRuns: 200 },
    )
    expect(succeeds({ write, by: [...everyone, { by: 'A again' }] })).toBe(!['None', ''].includes(name))
  })

  test('is decided for each change by itself', () => {
    const write = changed('by-C.Admins')
    const own = build(common.ConfigValue, {
      version: version + 1,
      modPolicy: 'Admins',
      value: Buffer.from('d'),
    })
    write.getGroupsMap().get('D')?.getValuesMap().set('Own', own)
    expect(succeeds({ write, by: [{ by: 'C' }] })).toBe(false)
    expect(succeeds({ write, by: [{ by: 'D' }] })).toBe(false)
    const result = apply({ write, by: [{ by: 'C' }, { by: 'D' }] })
    expect([valueAt(result, 'by-C.Admins'), valueAt(result, 'D', 'Own')]).toEqual(['new', 'd'])
  })
})

describe('what an update may say', () => {
  test('a changed element has the next version, a new one has none', () => {
    fc.assert(
      fc.property(fc.nat(8), (to) => {
        const isChange = to !== version
        expect(succeeds({ write: changed('by-Any', to), by: everyone })).toBe(isChange && to === version + 1)
        const write = changed('new', to, 'Any')
        write.setVersion(version + 1)
        expect(succeeds({ write, by: everyone })).toBe(to === 0)
      }),
    )
  })

  test('it has read what is there, in the version that it has', () => {
    fc.assert(
      fc.property(fc.nat(8), (of) => {
        const read = changed('by-Majority', of)
        expect(succeeds({ read, write: changed('by-Any'), by: everyone })).toBe(of === version)
      }),
    )
    const read = changed('unknown', 0, 'Any')
    expect(() => apply({ read, write: changed('by-Any'), by: everyone })).toThrow(
      'error validating ReadSet: existing config does not contain element for [Value]  /Channel/unknown',
    )
  })

  test('what it has read and writes in the same version stays as it was', () => {
    const write = changed('by-Any')
    write.getValuesMap().get('by-All')?.setValue(Buffer.from('unnoticed'))
    const result = apply({ write, by: everyone })
    expect([valueAt(result, 'by-Any'), valueAt(result, 'by-All')]).toEqual(['new', ''])
  })

  test('what it need not say it need not have read', () => {
    const bare = build(common.ConfigGroup, { version })
    const write = build(common.ConfigGroup, { version })
    const value = { version: version + 1, modPolicy: 'Any', value: Buffer.from('new') }
    write.getValuesMap().set('by-Any', build(common.ConfigValue, value))
    const result = apply({ read: bare, write, by: everyone })
    expect(result.size).toBe(current.size)
    expect(valueAt(result, 'by-Any')).toBe('new')
  })

  test('a group that does not name an element any more is without it, and needs its own policy for that', () => {
    const write = tree()
    write.setVersion(version + 1)
    write.getGroupsMap().del('D')
    expect(succeeds({ write, by: everyone.slice(0, 3) })).toBe(false)
    const result = apply({ write, by: everyone })
    expect([...result.keys()].filter((name) => name.includes('/D'))).toEqual([])
    expect(result.size).toBe(current.size - 3)
  })

  test.each([
    ['error validating DeltaSet: delta set was empty', { write: tree(), by: everyone }],
    ["ConfigUpdate for channel 'other'", { write: changed('by-Any'), by: everyone, channel: 'other' }],
    ['mod_policy not set', { write: changed('by-Any', version + 1, ''), by: everyone }],
    ['illegal characters', { write: changed('by-Any', version + 1, 'A//B'), by: everyone }],
    ['error mapping WriteSet', { write: changed('not a key', 0, 'Any'), by: everyone }],
  ])('%s', (message, update) => {
    expect(() => apply(update)).toThrow(message)
  })
})

test('a configuration laid out flat is the same tree again', () => {
  const again = toTree(current)
  expect(decode(common.ConfigGroup, encode(again)).toObject()).toEqual(tree().toObject())
  expect(areSame(layOut(again), current)).toBe(true)
  for (const [name, element] of current)
    for (const other of [
      { ...element, version: 7 },
      { ...element, modPolicy: 'Other' },
      { ...element, content: Buffer.from('other') },
    ])
      expect(areSame(new Map([...current, [name, other]]), current)).toBe(false)
})
