import { readFile } from 'node:fs/promises'
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js'
import { issueCredentials } from '../issue.ts'
import type { Topology } from '../topology.ts'
import { startEmbeddedNetwork, type EmbeddedNetwork, type PartName } from './index.ts'

/*
 * The embedded network as a process: `main.ts <settings.json>`. It tells its parent `listening` and, once all
 * chaincode processes have registered, `ready`; it stops and starts parts when the parent says so, and closes when it
 * is asked to or the parent goes away.
 */

interface Settings {
  readonly topology: Topology
  readonly credentialsDirectory: string
  readonly directory: string
}

interface PartRequest {
  readonly type: 'stop' | 'start'
  readonly part: PartName
}

type Notice =
  | { readonly type: 'listening' | 'ready'; readonly heights: Record<string, number> }
  | { readonly type: 'done'; readonly part: string }
  | { readonly type: 'failed'; readonly part: string; readonly message: string }

// What grpc-js would print comes as an error as well, and is told once.
setLogVerbosity(logVerbosity.NONE)

// The ledgers are for this user alone.
process.umask(0o077)

const log = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`)

function tell(notice: Notice): void {
  // The parent may be gone; then the disconnection is already on its way.
  if (process.connected) process.send?.(notice, undefined, undefined, () => undefined)
}

function isPartRequest(value: unknown): value is PartRequest {
  if (typeof value !== 'object' || value === null) return false
  const { type, part } = value as Record<string, unknown>
  return (type === 'stop' || type === 'start') && typeof part === 'string'
}

async function changePart(network: EmbeddedNetwork, { type, part }: PartRequest): Promise<void> {
  try {
    await network[type](part)
    tell({ type: 'done', part })
  } catch (error) {
    tell({ type: 'failed', part, message: (error as Error).message })
  }
}

async function start(settingsFile: string | undefined): Promise<EmbeddedNetwork> {
  if (settingsFile === undefined) throw new Error('usage: main.ts <settings.json>')
  const settings = JSON.parse(await readFile(settingsFile, 'utf8')) as Settings
  const { topology, credentialsDirectory, directory } = settings
  const credentials = await issueCredentials(topology, credentialsDirectory)
  return startEmbeddedNetwork({ topology, credentials, directory, log })
}

async function main(): Promise<void> {
  let network: EmbeddedNetwork | undefined
  let isClosing = false
  const close = async (): Promise<void> => {
    if (isClosing) return
    isClosing = true
    await network?.close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(signal, () => void close())
  const started = await start(process.argv[2])
  network = started
  if (isClosing) await started.close()
  process.on('message', (message) => {
    if (isPartRequest(message)) void changePart(started, message)
  })
  tell({ type: 'listening', heights: started.heights() })
  try {
    await started.chaincodeReady()
  } catch (error) {
    if (isClosing) return
    throw error
  }
  tell({ type: 'ready', heights: started.heights() })
  log('the network is ready')
}

try {
  await main()
} catch (error) {
  process.stderr.write(`the embedded network cannot start: ${(error as Error).message}\n`)
  process.exit(1)
}
