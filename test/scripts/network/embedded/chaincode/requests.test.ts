import { describe, expect, test } from 'vitest'
import { definitionOf, type Definition } from '../../../../../scripts/network/fabric/definition.ts'
import { encoded, peer } from '../../../../../scripts/network/fabric/message.ts'
import { forClient } from '../../../../../scripts/network/embedded/chaincode/client-access.ts'
import {
  createRequests,
  messageType,
  type Requests,
} from '../../../../../scripts/network/embedded/chaincode/requests.ts'
import { readWriteSetOf } from '../../../../../scripts/network/embedded/ledger/read-write-set.ts'
import { createSimulation, type Simulation } from '../../../../../scripts/network/embedded/ledger/simulate.ts'
import { narrowTopology } from '../../../../../scripts/network/topology.ts'
import { createMemoryState } from '../../../../support/memory-state.ts'

const collection = 'access-north'
const base = definitionOf(narrowTopology())
const inner = base.collections.get(collection)
if (inner === undefined) throw new Error('there is no such collection')

const definitionWith = (changes: Partial<typeof inner>): Definition => ({
  ...base,
  collections: new Map([...base.collections, [collection, { ...inner, ...changes }]]),
})

function requestsOf(
  mspId: string,
  changes: Partial<typeof inner> = {},
): { readonly requests: Requests; readonly simulation: Simulation } {
  const definition = definitionWith(changes)
  const simulation = createSimulation(createMemoryState(), definition, 'id', { of: () => [] })
  const requests = createRequests(forClient(simulation, { channel: 'medledger', definition, mspId }))
  return { requests, simulation }
}

const of = (name: string): Record<string, readonly [number, Uint8Array]> => ({
  get: [messageType.GET_STATE, encoded(peer.GetState, { collection: name, key: 'k' })],
  range: [
    messageType.GET_STATE_BY_RANGE,
    encoded(peer.GetStateByRange, { collection: name, startkey: 'a', endkey: 'z' }),
  ],
  hash: [messageType.GET_PRIVATE_DATA_HASH, encoded(peer.GetState, { collection: name, key: 'k' })],
  put: [
    messageType.PUT_STATE,
    encoded(peer.PutState, { collection: name, key: 'k', value: Buffer.from('v') }),
  ],
  delete: [messageType.DEL_STATE, encoded(peer.DelState, { collection: name, key: 'k' })],
  purge: [messageType.PURGE_PRIVATE_DATA, encoded(peer.PurgePrivateState, { collection: name, key: 'k' })],
})

/** Which of the requests are refused, and how. */
function refusals(
  mspId: string,
  changes: Partial<typeof inner> = {},
  name = collection,
): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [request, [type, payload]] of Object.entries(of(name)))
    try {
      requestsOf(mspId, changes).requests.answer(type, payload)
    } catch (error) {
      found[request] = (error as Error).message
    }
  return found
}

const text = (what: string): string =>
  `tx creator does not have ${what} access permission on privatedata in chaincodeName:medledger collectionName: access-north`

describe('a collection', () => {
  test('is for every client, as the product has it', () => {
    expect(refusals('NorthMSP')).toEqual({})
    expect(refusals('SouthMSP')).toEqual({})
  })

  test('with memberOnlyRead gives others the hash alone', () => {
    const changes = { memberOnlyRead: true }
    expect(refusals('AuthorityMSP', changes)).toEqual({})
    expect(refusals('SouthMSP', changes)).toEqual({ get: text('read'), range: text('read') })
  })

  test('with memberOnlyWrite takes nothing from others', () => {
    const changes = { memberOnlyWrite: true }
    expect(refusals('AuthorityMSP', changes)).toEqual({})
    expect(refusals('SouthMSP', changes)).toEqual({
      put: text('write'),
      delete: text('write'),
      purge: text('write'),
    })
  })

  test('that does not exist is named as Fabric names it', () => {
    const unknown = 'collection medledger/medledger/nowhere could not be found'
    expect(refusals('NorthMSP', {}, 'nowhere')).toEqual({
      get: unknown,
      range: unknown,
      hash: 'collection [nowhere] not defined in the collection config for chaincode [medledger]',
      put: unknown,
      delete: unknown,
      purge: unknown,
    })
  })
})

describe('a purge', () => {
  test('stands in the hashed write set', () => {
    const { requests, simulation } = requestsOf('NorthMSP')
    const [type, payload] = of(collection).purge ?? [0, Buffer.alloc(0)]
    expect(requests.answer(type, payload)).toHaveLength(0)
    const [set] = readWriteSetOf(simulation.results().publicSet)[0]?.collections ?? []
    expect(set?.purges).toHaveLength(1)
  })

  test('of a public key is refused', () => {
    expect(refusals('NorthMSP', {}, '')).toMatchObject({ purge: 'only applicable for private data' })
  })
})
