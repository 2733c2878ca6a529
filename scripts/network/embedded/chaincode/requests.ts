import type { Simulation } from '../ledger/simulate.ts'
import { bytes, decode, peer } from '../../fabric/message.ts'
import { createQueries } from './queries.ts'

/** `ChaincodeMessage.Type`. */
export const messageType = peer.ChaincodeMessage.Type

const typeNames = new Map<number, string>(Object.entries(messageType).map(([name, value]) => [value, name]))

/** What the chaincode asks of its peer during one transaction. */
export interface Requests {
  /**
   * Answers a request of the chaincode.
   * Errors: Error with the text that the chaincode is to see.
   */
  answer(type: number, payload: Uint8Array): Uint8Array
}

const nothing = new Uint8Array(0)

const refuse = (what: string): never => {
  throw new Error(`${what} is not supported by the embedded network`)
}

/** Serves the requests of one transaction from its simulation (core/chaincode/handler.go). */
export function createRequests(simulation: Simulation): Requests {
  const queries = createQueries(simulation)
  const answers: Readonly<Record<number, (payload: Uint8Array) => Uint8Array>> = {
    [messageType.GET_STATE](payload) {
      const message = decode(peer.GetState, payload)
      return simulation.get(message.getCollection(), message.getKey())
    },
    [messageType.GET_PRIVATE_DATA_HASH](payload) {
      const message = decode(peer.GetState, payload)
      return simulation.getPrivateHash(message.getCollection(), message.getKey())
    },
    [messageType.PUT_STATE](payload) {
      const message = decode(peer.PutState, payload)
      simulation.put(message.getCollection(), message.getKey(), bytes(message.getValue_asU8()))
      return nothing
    },
    [messageType.DEL_STATE](payload) {
      const message = decode(peer.DelState, payload)
      simulation.delete(message.getCollection(), message.getKey())
      return nothing
    },
    [messageType.PURGE_PRIVATE_DATA](payload) {
      const message = decode(peer.PurgePrivateState, payload)
      if (message.getCollection() === '') throw new Error('only applicable for private data')
      simulation.purge(message.getCollection(), message.getKey())
      return nothing
    },
    [messageType.GET_STATE_BY_RANGE]: queries.range,
    [messageType.GET_HISTORY_FOR_KEY]: queries.history,
    [messageType.QUERY_STATE_NEXT]: queries.next,
    [messageType.QUERY_STATE_CLOSE]: queries.close,
  }
  return {
    answer: (type, payload) =>
      answers[type]?.(payload) ?? refuse(typeNames.get(type) ?? `chaincode message ${type}`),
  }
}

/** How a refused request is told to the chaincode. */
export const requestError = (type: number, transactionId: string, error: Error): string =>
  `${typeNames.get(type) ?? type} failed: transaction ID: ${transactionId}: ${error.message}`
