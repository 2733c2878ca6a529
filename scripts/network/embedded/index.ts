import { mkdir } from 'node:fs/promises'
import type { Credentials } from '../issue.ts'
import { connectionProfile, type ConnectionProfile } from '../profile.ts'
import type { Topology } from '../topology.ts'
import { createChannel } from './channel/channel.ts'
import type { BatchOptions } from '../fabric/genesis.ts'
import { lockDirectory } from './lock.ts'
import type { PartName } from './part-name.ts'
import { createParts } from './parts.ts'

export { chaincodeCommand, chaincodeEnvironment } from './chaincode/environment.ts'
export type { ConnectionProfile } from '../profile.ts'
export type { PartName } from './part-name.ts'

export interface EmbeddedNetworkOptions {
  readonly topology: Topology
  readonly credentials: Credentials
  /** Where the ledgers lie; held by one process at a time. */
  readonly directory: string
  /** Gets ids, codes and heights, never what a transaction says. */
  readonly log: (line: string) => void
  readonly batch?: Partial<BatchOptions>
  /** How long a chaincode may take for one transaction. */
  readonly executeTimeoutMs?: number
  readonly now?: () => number
}

/** Peers of all organisations and one orderer in this process, which speak Fabric's protocols on the loopback interface. */
export interface EmbeddedNetwork {
  /** The static profile for fabric-network. Errors: RangeError when there is no such organisation. */
  connectionProfile(organisation: string): ConnectionProfile
  /** How many blocks each running part has. */
  heights(): Record<string, number>
  /** Resolves when every running peer's chaincode process has registered. */
  chaincodeReady(): Promise<void>
  /** Closes a part's port and files; the others go on. */
  stop(part: PartName): Promise<void>
  /** Opens a stopped part from its files again and lets it catch up. Errors: as {@link startEmbeddedNetwork}. */
  start(part: PartName): Promise<void>
  /** Writes what has been accepted, then closes everything. */
  close(): Promise<void>
}

const defaultBatch: BatchOptions = {
  maxMessages: 100,
  preferredBytes: 2 * 1024 * 1024,
  absoluteBytes: 10 * 1024 * 1024,
  timeoutMs: 50,
}

const defaultExecuteTimeoutMs = 30_000

/**
 * Starts the network; a directory without a ledger gets a new one. The chaincode processes are the caller's.
 * Errors: Error with one clear sentence when another process has the directory, a port is taken, a file is damaged or
 * of an unknown format, or the ledger was made for other organisations, certificates or another chaincode definition.
 */
export async function startEmbeddedNetwork(options: EmbeddedNetworkOptions): Promise<EmbeddedNetwork> {
  const { topology, credentials, directory, log, now = Date.now } = options
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const lock = lockDirectory(directory)
  const parts = ((): ReturnType<typeof createParts> => {
    try {
      const channel = createChannel(topology, credentials, { ...defaultBatch, ...options.batch })
      const executeTimeoutMs = options.executeTimeoutMs ?? defaultExecuteTimeoutMs
      return createParts({ topology, credentials, channel, directory, log, now, executeTimeoutMs })
    } catch (error) {
      lock.release()
      throw error
    }
  })()
  const close = async (): Promise<void> => {
    await parts.stopAll()
    lock.release()
  }
  try {
    for (const part of parts.names) await parts.start(part)
  } catch (error) {
    await close()
    throw error
  }
  return {
    connectionProfile: (organisation) => connectionProfile(topology, credentials, organisation),
    heights: parts.heights,
    chaincodeReady: parts.chaincodeReady,
    stop: parts.stop,
    start: parts.start,
    close,
  }
}
