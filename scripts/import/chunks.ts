import { BadInput } from './bad-input.ts'

export interface ChunkLimits {
  readonly documents: number
  /** UTF-8 bytes of a chunk's documents as JSON. */
  readonly bytes: number
}

/** Half of what a gateway takes in one request, and as many documents as one transaction registers. */
export const chunkLimits: ChunkLimits = { documents: 50, bytes: 4 * 1024 * 1024 }

/** The most that a gateway takes of one document, with room for what surrounds it in the request. */
const maximumBytes = 7.5 * 1024 * 1024

/**
 * Divides documents into requests that stay under the limits, keeping their order; a document above the chunk's limit
 * goes alone. Errors: {@link BadInput} for a document that no gateway would take.
 */
export function toChunks<Document>(documents: readonly Document[], limits = chunkLimits): Document[][] {
  const chunks: Document[][] = []
  let bytes = 0
  for (const document of documents) {
    const size = Buffer.byteLength(JSON.stringify(document), 'utf8')
    if (size > maximumBytes)
      throw new BadInput('One of the documents is larger than a gateway takes (8 MiB).')
    const last = chunks.at(-1)
    if (last === undefined || last.length >= limits.documents || bytes + size > limits.bytes) {
      chunks.push([document])
      bytes = size
    } else {
      last.push(document)
      bytes += size
    }
  }
  return chunks
}
