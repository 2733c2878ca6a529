import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startInstance } from './instance.ts'
import { addressOf } from './network.ts'

/**
 * Starts an instance with a topology, tells the suite its addresses, and gives what stops and removes it. An instance that
 * runs already is taken when MEDLEDGER_TEST_INSTANCE names its directory, and left as it is.
 */
export async function startNetwork(
  project: TestProject,
  topology: 'demo' | 'narrow',
  firstPort: number,
): Promise<() => Promise<void>> {
  const running = process.env['MEDLEDGER_TEST_INSTANCE']
  if (running !== undefined) {
    project.provide('network', addressOf(running))
    return () => Promise.resolve()
  }
  const data = await mkdtemp(join(tmpdir(), `medledger-${topology}-`))
  const instance = await startInstance(data, ['--topology', topology, '--port', String(firstPort)])
  project.provide('network', addressOf(data))
  return async () => {
    await instance.interrupt()
    await rm(data, { recursive: true, force: true })
  }
}
