import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SourceBlock } from '../block-source.ts'
import { hostOf } from '../../names.ts'
import { credentialsOf } from '../../profile.ts'
import { portsOf } from '../../topology.ts'
import { createChaincodeConnection, type ChaincodeConnection } from '../chaincode/connection.ts'
import { chaincodeAddress } from '../chaincode/environment.ts'
import { checkLedger } from '../channel/compare.ts'
import { createDefinitions } from '../channel/definitions.ts'
import { openLedger, type Ledger } from '../ledger/ledger.ts'
import type { FetchPrivate } from '../ledger/missing-data.ts'
import type { PrivateSets } from '../ledger/private-data.ts'
import { code, codeName } from '../ledger/validation-code.ts'
import { createSigner } from '../../fabric/signer.ts'
import type { PartOptions } from './ordering-part.ts'
import { servePeer } from './peer.ts'

export interface PeerPartOptions extends PartOptions {
  readonly organisation: string
  /** The orderer's block of this number, or undefined when there is none yet or the orderer is stopped. */
  readonly pull: (number: number) => SourceBlock | undefined
  readonly fetch: FetchPrivate
  readonly distribute: (transactionId: string, sets: PrivateSets) => Promise<void>
  readonly executeTimeoutMs: number
}

/** A peer while it runs. */
export interface PeerPart {
  readonly mspId: string
  readonly ledger: Ledger
  readonly chaincode: ChaincodeConnection
  /** Commits the blocks that the orderer has; resolves when there is none left. */
  catchUp(): Promise<void>
  close(): Promise<void>
}

/** Commits what the orderer has, strictly in order. Errors: when a block cannot be committed. */
async function commitAll(ledger: Ledger, { organisation, pull, log }: PeerPartOptions): Promise<void> {
  for (;;) {
    const next = pull(ledger.blocks.height)
    if (next === undefined) return
    const codes = await ledger.commit(next.block, next.transactions)
    for (const [index, value] of codes.entries())
      if (value !== code.VALID)
        log(`peer-${organisation}: block ${next.block.number}, transaction ${index} is ${codeName(value)}`)
  }
}

/**
 * One run at a time; a call during a run has another one follow. A peer that could not commit a block commits no more:
 * what is on its disk and what is in its state may differ until it is started again.
 */
function createCatchUp(
  ledger: Ledger,
  options: PeerPartOptions,
): {
  readonly run: () => Promise<void>
  readonly stop: () => Promise<void>
} {
  let current: Promise<void> | undefined
  let again = false
  const closed = new AbortController()
  const repeat = async (): Promise<void> => {
    try {
      while (again && !closed.signal.aborted) {
        again = false
        await commitAll(ledger, options)
      }
    } catch (error) {
      closed.abort()
      options.log(`peer-${options.organisation} commits no more: ${(error as Error).message}`)
    } finally {
      current = undefined
    }
  }
  return {
    run() {
      again = true
      current ??= repeat()
      return current
    },
    async stop() {
      closed.abort()
      await current
    },
  }
}

/** Opens an organisation's peer and lets it catch up. Errors: when its ledger cannot be used, or the port is taken. */
export async function startPeer(options: PeerPartOptions): Promise<PeerPart> {
  const { topology, credentials, organisation, channel, now, log } = options
  const { mspId, peer, tls, tlsCa } = credentialsOf(credentials, organisation)
  const directory = join(options.directory, organisation, 'peer')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const ledger = await openLedger({
    directory,
    mspId,
    channel: channel.name,
    chaincode: channel.definition.name,
    readDefinitions: createDefinitions,
    fetch: options.fetch,
  })
  const catchUp = createCatchUp(ledger, options)
  let chaincode: ChaincodeConnection | undefined
  try {
    await commitAll(ledger, options)
    if (ledger.blocks.height < 2) throw new Error('the chain has no chaincode definition')
    checkLedger(ledger, channel)
    await ledger.reconcile()
    chaincode = createChaincodeConnection({
      address: chaincodeAddress(topology, organisation),
      host: hostOf('chaincode', organisation),
      packageId: topology.chaincode.packageId,
      channel: channel.name,
      tls: { authority: tlsCa.certificate, pair: tls.peer },
      executeTimeoutMs: options.executeTimeoutMs,
      log: (line) => log(`peer-${organisation}: ${line}`),
    })
    const { peer: port } = portsOf(topology, organisation)
    const server = await servePeer({
      signer: createSigner(mspId, peer),
      channel: channel.name,
      configuration: ledger.configurations.current,
      chaincodeName: channel.definition.name,
      ledger,
      chaincode,
      now,
      distribute: options.distribute,
      log: (line) => log(`peer-${organisation}: ${line}`),
      port,
      tls: tls.peer,
    })
    log(`peer-${organisation} listens on port ${port} at height ${ledger.blocks.height}`)
    return {
      mspId,
      ledger,
      chaincode,
      catchUp: catchUp.run,
      async close() {
        await server.close()
        chaincode?.close()
        await catchUp.stop()
        ledger.close()
      },
    }
  } catch (error) {
    chaincode?.close()
    ledger.close()
    throw error
  }
}
