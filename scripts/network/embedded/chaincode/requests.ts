import type { KeyValue, Simulation } from '../ledger/simulate.ts'
import { build, bytes, decode, encoded, peer, queryresult } from '../wire/message.ts'

/** `ChaincodeMessage.Type`. */
export const messageType = peer.ChaincodeMessage.Type

const typeNames = new Map<number, string>(Object.entries(messageType).map(([name, value]) => [value, name]))

/** Rows in one answer of a range query; the chaincode asks for more. */
const pageSize = 100

/** What the chaincode asks of its peer during one transaction. */
export interface Requests {
  /**
   * Answers a request of the chaincode.
   * Errors: Error with the text that the chaincode is to see.
   */
  answer(type: number, payload: Uint8Array): Uint8Array
}

const nothing = new Uint8Array(0)

const toRow = ({ key, value }: KeyValue): peer.QueryResultBytes =>
  build(peer.QueryResultBytes, { resultbytes: encoded(queryresult.KV, { key, value }) })

/** An open range query. `next` is the row after those that have been given. */
interface Query {
  readonly rows: Iterator<KeyValue>
  next: IteratorResult<KeyValue>
}

function nextPage(query: Query, id: string): { answer: Buffer; hasMore: boolean } {
  const resultsList: peer.QueryResultBytes[] = []
  while (query.next.done !== true && resultsList.length < pageSize) {
    resultsList.push(toRow(query.next.value))
    query.next = query.rows.next()
  }
  const hasMore = query.next.done !== true
  return { answer: encoded(peer.QueryResponse, { id, hasMore, resultsList }), hasMore }
}

const refuse = (what: string): never => {
  throw new Error(`${what} is not supported by the embedded network`)
}

function createQueries(simulation: Simulation): Pick<Requests, 'answer'> {
  const queries = new Map<string, Query>()
  let opened = 0
  const page = (id: string, query: Query): Buffer => {
    const { answer, hasMore } = nextPage(query, id)
    if (!hasMore) queries.delete(id)
    return answer
  }
  const open = (payload: Uint8Array): Buffer => {
    const message = decode(peer.GetStateByRange, payload)
    const metadata = decode(peer.QueryMetadata, message.getMetadata_asU8())
    if (metadata.getPagesize() > 0) refuse('GET_STATE_BY_RANGE with pages')
    const range = simulation.range(message.getCollection(), message.getStartkey(), message.getEndkey())
    const rows = range[Symbol.iterator]()
    opened += 1
    const query = { rows, next: rows.next() }
    queries.set(String(opened), query)
    return page(String(opened), query)
  }
  return {
    answer(type, payload) {
      if (type === messageType.GET_STATE_BY_RANGE) return open(payload)
      if (type === messageType.QUERY_STATE_NEXT) {
        const id = decode(peer.QueryStateNext, payload).getId()
        const query = queries.get(id)
        if (query === undefined) throw new Error('query iterator not found')
        return page(id, query)
      }
      const id = decode(peer.QueryStateClose, payload).getId()
      queries.delete(id)
      return encoded(peer.QueryResponse, { id })
    },
  }
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
    [messageType.GET_STATE_BY_RANGE]: (payload) => queries.answer(messageType.GET_STATE_BY_RANGE, payload),
    [messageType.QUERY_STATE_NEXT]: (payload) => queries.answer(messageType.QUERY_STATE_NEXT, payload),
    [messageType.QUERY_STATE_CLOSE]: (payload) => queries.answer(messageType.QUERY_STATE_CLOSE, payload),
  }
  return {
    answer: (type, payload) =>
      answers[type]?.(payload) ?? refuse(typeNames.get(type) ?? `chaincode message ${type}`),
  }
}

/** How a refused request is told to the chaincode. */
export const requestError = (type: number, transactionId: string, error: Error): string =>
  `${typeNames.get(type) ?? type} failed: transaction ID: ${transactionId}: ${error.message}`
