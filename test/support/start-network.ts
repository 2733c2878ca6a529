import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import type { Constitution } from 'medledger-chaincode/api'
import { startInstance } from './instance.ts'
import './network.ts'

/** Starts an instance with a topology, tells the suite its addresses, and gives what stops and removes it. */
export async function startNetwork(
  project: TestProject,
  topology: 'demo' | 'narrow',
  firstPort: number,
): Promise<() => Promise<void>> {
  const data = await mkdtemp(join(tmpdir(), `medledger-${topology}-`))
  const instance = await startInstance(data, ['--topology', topology, '--port', String(firstPort)])
  const record = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as {
    readonly topology: { readonly constitution: Constitution }
    readonly gateways: readonly { readonly organisation: string; readonly url: string }[]
  }
  project.provide('network', {
    constitution: record.topology.constitution,
    gateways: Object.fromEntries(record.gateways.map(({ organisation, url }) => [organisation, url])),
    data,
  })
  return async () => {
    await instance.interrupt()
    await rm(data, { recursive: true, force: true })
  }
}
