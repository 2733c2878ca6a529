import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { writeMarker } from '../../../scripts/start/directory.ts'
import { openOperator } from '../../../scripts/start/operator.ts'
import { pathsIn } from '../../../scripts/start/paths.ts'

test('the operator of a network of containers is told to go inside, where the peers are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'medledger-operator-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const paths = pathsIn(folder)
  await writeMarker(paths, { topology: 'demo', firstPort: 19_000, network: 'docker' })
  await expect(openOperator(paths, 'north', {})).rejects.toThrow('medledger network run')
})
