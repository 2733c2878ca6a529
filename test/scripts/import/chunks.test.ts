import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toChunks } from '../../../scripts/import/index.ts'

const limits = { documents: 3, bytes: 100 }
const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

describe('dividing documents into requests', () => {
  test('keeps every document once and in order, and both limits', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 120 })), (documents) => {
        const chunks = toChunks(documents, limits)
        expect(chunks.flat()).toEqual(documents)
        for (const chunk of chunks) {
          expect(chunk.length).toBeLessThanOrEqual(limits.documents)
          const bytes = chunk.reduce((sum, document) => sum + sizeOf(document), 0)
          // A document that is above the limit by itself goes alone.
          expect(bytes <= limits.bytes || chunk.length === 1).toBe(true)
        }
      }),
    )
  })

  test('a document that no gateway takes is refused', () => {
    expect(() => toChunks(['x'.repeat(8 * 1024 * 1024)])).toThrow(/larger than a gateway takes/)
  })
})
