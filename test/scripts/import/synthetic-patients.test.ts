import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseBundle, split, toChunks, chunkLimits } from '../../../scripts/import/index.ts'
import { isClinical } from '../../../scripts/import/clinical.ts'

const folder = process.env['MEDLEDGER_TEST_DATA']
const files =
  folder !== undefined && existsSync(folder)
    ? readdirSync(folder).filter((name) => name.endsWith('.json'))
    : []
if (files.length === 0) {
  process.stdout.write(
    'Splitting synthetic patients is not tested: MEDLEDGER_TEST_DATA names no folder with them.\n',
  )
}

describe.runIf(files.length > 0)('the records of another system', () => {
  test.each(files)('%s: nothing clinical is lost or doubled', (file) => {
    const bundle = parseBundle(readFileSync(join(folder ?? '', file)))
    const result = split(bundle)
    const clinical = bundle.resources.filter(({ resource }) => isClinical(resource.resourceType))
    const placed = result.documents.flatMap(({ bundle: { entry } }) =>
      entry.filter(({ resource }) => isClinical(resource.resourceType)).map(({ fullUrl }) => fullUrl),
    )
    expect(placed.toSorted()).toEqual(clinical.map(({ fullUrl }) => fullUrl).toSorted())
    const encounters = bundle.resources.filter(({ resource }) => resource.resourceType === 'Encounter').length
    expect(result.documents).toHaveLength(encounters + (result.summary ? 1 : 0))
    expect(Object.keys(result.leftOut).filter(isClinical)).toEqual([])
    for (const chunk of toChunks(result.documents))
      expect(chunk.length).toBeLessThanOrEqual(chunkLimits.documents)
  })
})
