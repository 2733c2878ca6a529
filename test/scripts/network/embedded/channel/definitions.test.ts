import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkDefinitions,
  createDefinitions,
} from '../../../../../scripts/network/embedded/channel/definitions.ts'
import {
  definitionState,
  fieldKey,
  metadataKey,
} from '../../../../../scripts/network/embedded/channel/lifecycle.ts'
import { toOrdered } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import { collectionPackage } from '../../../../../scripts/network/fabric/collections.ts'
import {
  definitionOf,
  lifecycleName,
  type ChainDefinition,
  type Definition,
} from '../../../../../scripts/network/fabric/definition.ts'
import {
  build,
  decode,
  encoded,
  lifecycle,
  peer,
  type Fields,
} from '../../../../../scripts/network/fabric/message.ts'
import {
  anyOf,
  toPolicyMessage,
  type Policy,
  type Required,
} from '../../../../../scripts/network/fabric/policy.ts'
import { demoTopology } from '../../../../../scripts/network/topology.ts'
import { createMemoryState } from '../../../../support/memory-state.ts'

const definition = definitionOf(demoTopology())
const { name } = definition

type Written = ReadonlyMap<string, Buffer | undefined>

function read(written: Written, wanted = name): ChainDefinition | undefined {
  const state = createMemoryState()
  state.write(
    [...written].map(([key, value]) => ({
      space: lifecycleName,
      key: toOrdered(key),
      entry: value && { value, version: { block: 1, transaction: 0 } },
    })),
  )
  return createDefinitions(state)(wanted)
}

function check(written: Written): void {
  const writes = [...written].map(([key, value]) => ({ key: toOrdered(key), value }))
  const own = { namespace: lifecycleName, writes, reads: [], ranges: [], collections: [], unsupported: [] }
  checkDefinitions([own])
}

const data = (content: Buffer): Buffer => encoded(lifecycle.StateData, { bytes: content })
const withField = (field: string, content: Buffer | undefined): Written =>
  new Map([...definitionState(definition), [fieldKey(name, field), content && data(content)]])
const validation = (fields: Fields<InstanceType<typeof lifecycle.ChaincodeValidationInfo>>): Written =>
  withField('ValidationInfo', encoded(lifecycle.ChaincodeValidationInfo, fields))
const referring = (channelConfigPolicyReference: string): Written =>
  validation({
    validationPlugin: 'vscc',
    validationParameter: encoded(peer.ApplicationPolicy, { channelConfigPolicyReference }),
  })

/** The collections with the first of them changed. */
function withCollection(change: (config: peer.StaticCollectionConfig) => void): Written {
  const configs = decode(peer.CollectionConfigPackage, collectionPackage(definition))
  const [first = new peer.CollectionConfig()] = configs.getConfigList()
  change(first.getStaticCollectionConfig() ?? new peer.StaticCollectionConfig())
  return withField('Collections', Buffer.from(configs.serializeBinary()))
}

describe('a definition on a chain', () => {
  const required = fc.record<Required>({
    mspId: fc.constantFrom('NorthMSP', 'SouthMSP', 'WestMSP'),
    role: fc.constantFrom('peer', 'member', 'admin'),
  })
  const policy = fc.record<Policy>({
    count: fc.integer({ min: 1, max: 3 }),
    rules: fc.array(required, { minLength: 1, maxLength: 4 }),
  })
  const collection = fc.record({
    name: fc.stringMatching(/^[a-z]{1,8}$/),
    members: fc.uniqueArray(fc.stringMatching(/^[A-Z]{1,4}$/), { minLength: 1 }).map((list) => new Set(list)),
    policy,
    memberOnlyRead: fc.boolean(),
    memberOnlyWrite: fc.boolean(),
  })
  const anyDefinition = fc.record<Definition>({
    name: fc.string({ minLength: 1, unit: fc.constantFrom('a', 'ä', '-', '7', '\u{1f600}') }),
    version: fc.string(),
    policy,
    collections: fc
      .uniqueArray(collection, { selector: (one) => one.name, maxLength: 4 })
      .map((list) => new Map(list.map((one) => [one.name, one]))),
  })

  test('is read as it was written, and has nothing that the orderer refuses', () => {
    fc.assert(
      fc.property(anyDefinition, fc.integer({ min: 1, max: 2 ** 40 }), (written, sequence) => {
        const fields = definitionState(written, sequence)
        expect(read(fields, written.name)).toEqual({ ...written, sequence })
        expect(read(fields, `${written.name}x`)).toBeUndefined()
        expect(() => check(fields)).not.toThrow()
      }),
      { numRuns: 200 },
    )
  })

  test('may have one of the channel’s policies, which is then that of collections without one too', () => {
    const reference = '/Channel/Application/Endorsement'
    const key = fieldKey(name, 'Collections')
    const withoutPolicy = withCollection((one) => one.clearEndorsementPolicy())
    const found = read(new Map([...referring(reference), [key, withoutPolicy.get(key)]]))
    expect(found?.policy).toEqual({ reference })
    expect(found?.collections.get('registry')?.policy).toEqual({ reference })
    const own = definition.collections.get('access-north')
    expect(found?.collections.get('access-north')).toEqual(own)
  })

  test.each<[string, Written]>([
    ['without metadata', new Map([...definitionState(definition), [metadataKey(name), undefined]])],
    ['without validation', withField('ValidationInfo', undefined)],
    ['without a plugin', validation({ validationParameter: Buffer.from('x') })],
    ['without a policy', validation({ validationPlugin: 'vscc' })],
  ])('%s is none', (_, written) => {
    expect(read(written)).toBeUndefined()
    expect(() => check(written)).not.toThrow()
  })

  test('of Fabric’s own chaincode is there from the start, and cannot be written', () => {
    const own = { ...definition, name: lifecycleName }
    expect(read(definitionState(own), lifecycleName)).toMatchObject({
      policy: { reference: '/Channel/Application/LifecycleEndorsement' },
      collections: new Map(),
    })
  })
})

describe('what this network does not do is refused by name, and nobody goes on with it', () => {
  const endorsement = (fields: Fields<InstanceType<typeof lifecycle.ChaincodeEndorsementInfo>>): Written =>
    withField('EndorsementInfo', encoded(lifecycle.ChaincodeEndorsementInfo, fields))
  const members = (policy: Policy): Written =>
    withCollection((one) =>
      one.setMemberOrgsPolicy(
        build(peer.CollectionPolicyConfig, { signaturePolicy: toPolicyMessage(policy) }),
      ),
    )
  test.each<[string, Written]>([
    ["the endorsement plugin 'own'", endorsement({ endorsementPlugin: 'own' })],
    ['init_required', endorsement({ endorsementPlugin: 'escc', initRequired: true })],
    [
      "the validation plugin 'own'",
      validation({ validationPlugin: 'own', validationParameter: Buffer.from('x') }),
    ],
    ["the policy reference '/Other/Policy'", referring('/Other/Policy')],
    ['collection registry: block_to_live', withCollection((one) => one.setBlockToLive(7))],
    ['collection registry: required_peer_count', withCollection((one) => one.setRequiredPeerCount(1))],
    ['collection registry: a member_orgs_policy', withCollection((one) => one.clearMemberOrgsPolicy())],
    ['collection registry: a member_orgs_policy', members(anyOf([{ mspId: 'NorthMSP', role: 'peer' }]))],
    [
      'collection registry: a member_orgs_policy',
      members({ count: 2, rules: ['NorthMSP', 'SouthMSP'].map((mspId) => ({ mspId, role: 'member' })) }),
    ],
    [
      "a definition of type 'Other'",
      new Map([
        ...definitionState(definition),
        [metadataKey(name), encoded(lifecycle.StateMetadata, { datatype: 'Other' })],
      ]),
    ],
    [
      'a field of another type',
      new Map([
        ...definitionState(definition),
        [fieldKey(name, 'Collections'), encoded(lifecycle.StateData, { int64: 1 })],
      ]),
    ],
  ])('%s', (what, written) => {
    const message = `the definition of chaincode ${name}: ${what}`
    expect(() => read(written)).toThrow(message)
    expect(() => check(written)).toThrow(message)
  })

  test('what cannot be read', () => {
    const written = withField('ValidationInfo', Buffer.from([0xff]))
    expect(() => read(written)).toThrow(`the definition of chaincode ${name}: `)
    expect(() => check(written)).toThrow(`the definition of chaincode ${name}: `)
  })
})
