import type { KeyValue, Rows, Simulation } from '../ledger/simulate.ts'
import { build, decode, encode, encoded, peer, queryresult } from '../../fabric/message.ts'

/** Rows in one answer; the chaincode asks for more (Fabric's `MaxResultLimit`). */
const batchSize = 100

/** A query gives no more rows than this in all, in however many answers (Fabric's `totalQueryLimit`). */
const mostRows = 100_000

/** A query that is open. `ahead` is a row that has been read and not given: Fabric too reads one row ahead. */
interface Query {
  readonly next: () => Buffer | undefined
  ahead: Buffer | undefined
  count: number
}

interface Batch {
  readonly rows: readonly Buffer[]
  readonly hasMore: boolean
}

/** core/chaincode/query_response_generator.go; what it reads ahead is what validation checks later. */
function nextBatch(query: Query, limit: number, isPage: boolean): Batch {
  const rows = query.ahead === undefined ? [] : [query.ahead]
  query.ahead = undefined
  while (query.count < limit) {
    const row = query.next()
    if (row === undefined) break
    query.count += 1
    if (!isPage && rows.length === batchSize) {
      query.ahead = row
      return { rows, hasMore: true }
    }
    rows.push(row)
  }
  return { rows, hasMore: false }
}

const toResponse = (id: string, { rows, hasMore }: Batch, metadata?: Buffer): Buffer =>
  encoded(peer.QueryResponse, {
    id,
    hasMore,
    resultsList: rows.map((resultbytes) => build(peer.QueryResultBytes, { resultbytes })),
    metadata,
  })

/** The queries that a chaincode has open during one transaction. Errors carry Fabric's texts. */
export interface Queries {
  readonly range: (payload: Uint8Array) => Buffer
  readonly history: (payload: Uint8Array) => Buffer
  readonly next: (payload: Uint8Array) => Buffer
  readonly close: (payload: Uint8Array) => Buffer
}

export function createQueries(simulation: Simulation): Queries {
  const open = new Map<string, Query>()
  let opened = 0
  const toRow = ({ key, value }: KeyValue): Buffer =>
    encoded(queryresult.KV, { namespace: simulation.namespace, key, value })
  const begin = (next: Query['next']): { id: string; query: Query } => {
    opened += 1
    const id = String(opened)
    const query = { next, ahead: undefined, count: 0 }
    open.set(id, query)
    return { id, query }
  }
  const answer = (id: string, query: Query, limit = mostRows): Buffer => {
    const batch = nextBatch(query, limit, false)
    if (!batch.hasMore) open.delete(id)
    return toResponse(id, batch)
  }
  const rowsOf = (rows: Rows) => (): Buffer | undefined => {
    const row = rows.next()
    return row && toRow(row)
  }
  const page = (rows: Rows, limit: number): Buffer => {
    const { id, query } = begin(rowsOf(rows))
    const batch = nextBatch(query, limit, true)
    open.delete(id)
    const metadata = encoded(peer.QueryResponseMetadata, {
      fetchedRecordsCount: batch.rows.length,
      bookmark: rows.bookmark(),
    })
    return toResponse(id, batch, metadata)
  }

  return {
    range(payload) {
      const message = decode(peer.GetStateByRange, payload)
      const metadata = decode(peer.QueryMetadata, message.getMetadata_asU8())
      const [collection, start, end] = [message.getCollection(), message.getStartkey(), message.getEndkey()]
      const pageSize = metadata.getPagesize()
      const limit = pageSize > 0 && pageSize < mostRows ? pageSize : mostRows
      if (collection !== '') {
        const { id, query } = begin(rowsOf(simulation.privateRange(collection, start, end)))
        return answer(id, query, limit)
      }
      const bookmark = metadata.getBookmark()
      if (pageSize !== 0 || bookmark !== '')
        return page(simulation.page(bookmark === '' ? start : bookmark, end), limit)
      const { id, query } = begin(rowsOf(simulation.range(start, end)))
      return answer(id, query)
    },
    history(payload) {
      const past = simulation.history(decode(peer.GetHistoryForKey, payload).getKey())[Symbol.iterator]()
      const { id, query } = begin(() => {
        const { done, value } = past.next()
        return done === true ? undefined : encode(value)
      })
      return answer(id, query)
    },
    next(payload) {
      const id = decode(peer.QueryStateNext, payload).getId()
      const query = open.get(id)
      if (query === undefined) throw new Error('query iterator not found')
      return answer(id, query)
    },
    close(payload) {
      const id = decode(peer.QueryStateClose, payload).getId()
      open.delete(id)
      return encoded(peer.QueryResponse, { id })
    },
  }
}
