import { canonical, check, limits, PartFacts, type DocumentParts } from 'medledger-chaincode/api'
import { partsOf } from 'medledger-chaincode/core'

/** What a request for parts may have beside them. */
const overheadBytes = 32 * 1024
const maximumBytes = limits.requestBytes - overheadBytes

const bytesOf = (value: unknown): number => Buffer.byteLength(canonical(value), 'utf8')

/**
 * What denies can ask of each resource inside a document Bundle; undefined when one of them has something so long that no
 * request to the ledger can carry it, so that nobody could decide on it.
 */
export function decidableParts(bundle: unknown, zone: string): PartFacts[] | undefined {
  if (typeof bundle !== 'object' || bundle === null) return undefined
  const parts = partsOf(bundle as Readonly<Record<string, unknown>>, zone) as PartFacts[]
  const pieces = parts.map(piecesOf)
  return pieces.every((some) => some !== undefined) ? pieces.flat() : undefined
}

const lists = ['references', 'allCodes', 'codes'] as const

/**
 * A part that is too large as several that are alike but for some of its references or codes. A deny asks whether there is one
 * among them, so it finds the same; what excepts from it may find less.
 */
function piecesOf(part: PartFacts): PartFacts[] | undefined {
  if (isDecidable(part)) return [part]
  const [longest] = lists.toSorted((one, other) => (part[other]?.length ?? 0) - (part[one]?.length ?? 0))
  const values = (longest && part[longest]) ?? []
  if (longest === undefined || values.length < 2) return undefined
  const middle = values.length >> 1
  const halves = [values.slice(0, middle), values.slice(middle)].map((half) => ({ ...part, [longest]: half }))
  const pieces = halves.map(piecesOf)
  return pieces.every((some) => some !== undefined) ? pieces.flat() : undefined
}

function isDecidable(part: PartFacts): boolean {
  try {
    return bytesOf(check(PartFacts, part, 'part')) <= maximumBytes
  } catch {
    return false
  }
}

/** Divides the parts of documents into requests, at least one, none of which is too large. */
export function toRequests(documents: readonly DocumentParts[]): DocumentParts[][] {
  let room = maximumBytes
  let last: DocumentParts[] = []
  const requests = [last]
  for (const { document, parts } of documents) {
    last.push({ document, parts: [] })
    for (const part of parts) {
      const bytes = bytesOf(part) + 1
      if (bytes > room) {
        room = maximumBytes
        last = [{ document, parts: [] }]
        requests.push(last)
      }
      room -= bytes
      last.at(-1)?.parts.push(part)
    }
  }
  return requests
}
