import { describe, expect, test } from 'vitest'
import { canonical, limits } from 'medledger-chaincode/api'
import { decidableParts, toRequests } from '../../../gateway/src/release/index.ts'

type Json = Record<string, unknown>

const bundleOf = (...resources: Json[]): Json => ({
  resourceType: 'Bundle',
  type: 'document',
  entry: resources.map((resource) => ({ resource })),
})
const listOf = (length: number): Json => ({
  resourceType: 'List',
  id: 'l',
  entry: Array.from({ length }, (_item, index) => ({ item: { reference: `Observation/o${index}` } })),
})

describe('what is inside a document', () => {
  test('goes into as few requests as the ledger takes, nothing left out', () => {
    const conditions = Array.from({ length: 5000 }, (_item, index) => ({
      resourceType: 'Condition',
      id: `${index}-${'x'.repeat(60)}`,
    }))
    const parts = decidableParts(bundleOf(...conditions), 'UTC') ?? []
    const documents = [
      { document: `north-${'a'.repeat(32)}`, parts },
      { document: `north-${'b'.repeat(32)}`, parts: [] },
      { document: `north-${'c'.repeat(32)}`, parts: parts.slice(0, 10) },
    ]
    const requests = toRequests(documents)
    const bytes = requests.map((request) => Buffer.byteLength(canonical(request), 'utf8'))
    expect(Math.max(...bytes)).toBeLessThan(limits.requestBytes)
    expect(requests.length).toBeLessThan(6)
    for (const { document, parts: all } of documents) {
      const sent = requests.flat().filter((some) => some.document === document)
      expect(sent.flatMap((some) => some.parts)).toEqual(all)
    }
  })

  test('is one request where nothing is in it', () => {
    expect(toRequests([])).toEqual([[]])
  })

  test('is divided where a single resource has too much: each reference is in one of the pieces', () => {
    const pieces = decidableParts(bundleOf(listOf(30_000)), 'UTC') ?? []
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.flatMap(({ references = [] }) => references)).toHaveLength(30_000)
    expect(new Set(pieces.map(({ id }) => id))).toEqual(new Set(['List/l']))
    expect(toRequests([{ document: 'd', parts: pieces }]).length).toBeGreaterThan(3)
  })

  test('cannot be decided on where it has a code that no request can carry, or is no resource', () => {
    const code = { coding: [{ system: 'urn:x', code: 'x'.repeat(5000) }] }
    expect(decidableParts(bundleOf(listOf(1), { resourceType: 'Condition', code }), 'UTC')).toBeUndefined()
    for (const value of [undefined, null, 'x']) expect(decidableParts(value, 'UTC')).toBeUndefined()
  })
})
