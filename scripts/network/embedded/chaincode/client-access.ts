import type { Definition } from '../../fabric/definition.ts'
import type { Simulation } from '../ledger/simulate.ts'

export interface ClientAccess {
  readonly channel: string
  readonly definition: Definition<unknown>
  /** The client's organisation. */
  readonly mspId: string
}

/**
 * A simulation for a client: collections that are for their members only are refused to others, before anything else is
 * asked (core/chaincode/handler.go). Hashes of private values are for everybody. Errors carry Fabric's texts.
 */
export function forClient(simulation: Simulation, { channel, definition, mspId }: ClientAccess): Simulation {
  const { name, collections } = definition
  const check = (collection: string, what: 'read' | 'write'): void => {
    if (collection === '') return
    const found = collections.get(collection)
    if (found === undefined) throw new Error(`collection ${channel}/${name}/${collection} could not be found`)
    const isForMembers = what === 'read' ? found.memberOnlyRead : found.memberOnlyWrite
    if (isForMembers && !found.members.has(mspId))
      throw new Error(
        `tx creator does not have ${what} access permission on privatedata in chaincodeName:${name} collectionName: ${collection}`,
      )
  }
  return {
    ...simulation,
    get(collection, key) {
      check(collection, 'read')
      return simulation.get(collection, key)
    },
    privateRange(collection, start, end) {
      check(collection, 'read')
      return simulation.privateRange(collection, start, end)
    },
    put(collection, key, value) {
      check(collection, 'write')
      simulation.put(collection, key, value)
    },
    delete(collection, key) {
      check(collection, 'write')
      simulation.delete(collection, key)
    },
    purge(collection, key) {
      check(collection, 'write')
      simulation.purge(collection, key)
    },
  }
}
