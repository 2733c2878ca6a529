import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { medledger } from './command-line.ts'
import { addressOf } from './network.ts'

/** Brings a network of containers up, tells the suite its addresses, and gives what removes it without a trace. */
export async function startDockerNetwork(
  project: TestProject,
  topology: 'demo' | 'narrow',
  firstPort: number,
): Promise<() => Promise<void>> {
  const data = await mkdtemp(join(tmpdir(), `medledger-docker-${topology}-`))
  const down = async (): Promise<void> => {
    const { code, stderr } = await medledger(['network', 'down', '--volumes', '--data', data])
    if (code !== 0) throw new Error(`the network is not gone: ${stderr}`)
    await rm(data, { recursive: true, force: true })
  }
  const options = ['--topology', topology, '--port', String(firstPort), '--data', data]
  const { code, stdout, stderr } = await medledger(['network', 'up', ...options])
  if (code !== 0) {
    await down()
    throw new Error(`the network did not come up: ${stdout}${stderr}`)
  }
  project.provide('network', addressOf(data))
  return down
}
