import { copyFileSync, linkSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  createChannel,
  firstEnvelopes,
  type Channel,
} from '../../../scripts/network/embedded/channel/channel.ts'
import { openBlockFile } from '../../../scripts/network/embedded/ledger/block-file.ts'
import { openDatabase } from '../../../scripts/network/embedded/ledger/database.ts'
import { createDefinitions } from '../../../scripts/network/embedded/channel/definitions.ts'
import { readBundle } from '../../../scripts/network/embedded/configuration/bundle.ts'
import { readEnvelope } from '../../../scripts/network/embedded/ledger/transaction.ts'
import { openLedger, type Ledger } from '../../../scripts/network/embedded/ledger/ledger.ts'
import {
  checkTransaction,
  type CheckedTransaction,
} from '../../../scripts/network/embedded/ledger/verify-signatures.ts'
import { signBlock } from '../../../scripts/network/embedded/node/ordering.ts'
import { createBlock } from '../../../scripts/network/fabric/block.ts'
import { createSigner } from '../../../scripts/network/fabric/signer.ts'
import type { Credentials } from '../../../scripts/network/issue.ts'
import { credentialsOf } from '../../../scripts/network/profile.ts'
import type { Topology } from '../../../scripts/network/topology.ts'
import { createTransactions, type MadeTransaction } from './transactions.ts'

/** What a block costs a peer: from the validation to where everything is on the disk. */
export interface CommitCost {
  readonly blockSize: number
  readonly transactions: number
  /** Milliseconds for one transaction. */
  readonly wallMs: number
  readonly cpuMs: number
}

/** A network's ledgers, made without any process of it. */
export interface MadeLedgers {
  readonly transactions: number
  readonly blocks: number
  readonly seconds: number
  /** Of one peer. */
  readonly blockBytes: number
  readonly databaseBytes: number
  readonly commits: readonly CommitCost[]
}

export interface MakeOptions {
  readonly topology: Topology
  readonly credentials: Credentials
  /** The network's. */
  readonly directory: string
  readonly transactions: number
  readonly say: (line: string) => void
}

const madePeer = 'north'
const blockSize = 100

/** As many transactions of each size of block as tell its cost. */
const costs = [
  { size: 1, blocks: 300 },
  { size: 10, blocks: 100 },
  { size: 100, blocks: 30 },
] as const

const batch = {
  maxMessages: blockSize,
  preferredBytes: 2 * 1024 * 1024,
  absoluteBytes: 10 * 1024 * 1024,
  timeoutMs: 50,
}

export const peerFolder = (directory: string, organisation: string): string =>
  join(directory, organisation, 'peer')

/** Opens the made peer's ledger as a peer does. */
export function openMadeLedger(
  { definition, name }: Channel,
  credentials: Credentials,
  directory: string,
): Promise<Ledger> {
  return openLedger({
    directory: peerFolder(directory, madePeer),
    mspId: credentialsOf(credentials, madePeer).mspId,
    channel: name,
    chaincode: definition.name,
    readDefinitions: createDefinitions,
    fetch: () => undefined,
  })
}

export const channelOf = (topology: Topology, credentials: Credentials): Channel =>
  createChannel(topology, credentials, batch)

/** Commits blocks at the orderer and one peer. */
interface Chain {
  commit(
    transactions: readonly CheckedTransaction[],
  ): Promise<{ readonly wallMs: number; readonly cpuMs: number }>
  close(): void
}

function openChain({ topology, credentials, directory }: MakeOptions, ledger: Ledger): Chain {
  const [organisation] = topology.orderers
  const folder = join(directory, organisation, 'orderer')
  mkdirSync(folder, { recursive: true })
  const database = openDatabase(join(folder, 'chain.sqlite'))
  const chain = openBlockFile(join(folder, 'chain'), database)
  const { mspId, orderer } = credentialsOf(credentials, organisation)
  const signer = createSigner(mspId, orderer)
  return {
    async commit(transactions) {
      const envelopes = transactions.map(({ envelope }) => envelope)
      const block = signBlock(createBlock(chain.height, chain.lastHash, envelopes), signer, 0)
      await chain.append(block)
      database.trim()
      const [before, began] = [process.cpuUsage(), performance.now()]
      await ledger.commit(block, transactions)
      const { user, system } = process.cpuUsage(before)
      return { wallMs: performance.now() - began, cpuMs: (user + system) / 1000 }
    },
    close() {
      chain.close()
      database.close()
    },
  }
}

async function makeAll(options: MakeOptions, channel: Channel, ledger: Ledger): Promise<CommitCost[]> {
  const { topology, credentials, transactions, say } = options
  const chain = openChain(options, ledger)
  const make = createTransactions(credentials, channel.definition, ledger)
  const makeBlock = (size: number): CheckedTransaction[] => {
    const made = Array.from({ length: size }, (): MadeTransaction => make())
    for (const { transactionId, privateSets } of made)
      ledger.transient.add(transactionId, ledger.blocks.height, privateSets)
    return made.map(({ checked }) => checked)
  }
  try {
    const first = firstEnvelopes(topology, credentials, channel, Date.now())
    const { membership } = readBundle(readEnvelope(first[0]).data)
    for (const envelope of first) await chain.commit([checkTransaction(envelope, membership)])
    for (let made = 0; made < transactions; made += blockSize) {
      await chain.commit(makeBlock(blockSize))
      if (made % 50_000 === 0) say(`${made} of ${transactions} transactions`)
    }
    const found: CommitCost[] = []
    for (const { size, blocks } of costs) {
      let [wallMs, cpuMs] = [0, 0]
      for (let block = 0; block < blocks; block += 1) {
        const cost = await chain.commit(makeBlock(size))
        wallMs += cost.wallMs
        cpuMs += cost.cpuMs
      }
      const count = size * blocks
      found.push({ blockSize: size, transactions: count, wallMs: wallMs / count, cpuMs: cpuMs / count })
    }
    return found
  } finally {
    chain.close()
  }
}

/**
 * Gives the other peers what the made one has: as members of the same placements they would have come to the same. They
 * share the blocks' file, to which nothing is appended any more.
 */
function copyPeers({ topology, directory }: MakeOptions): void {
  const from = peerFolder(directory, madePeer)
  for (const { name } of topology.constitution.organisations) {
    if (name === madePeer) continue
    const to = peerFolder(directory, name)
    mkdirSync(to, { recursive: true })
    linkSync(join(from, 'blocks'), join(to, 'blocks'))
    copyFileSync(join(from, 'ledger.sqlite'), join(to, 'ledger.sqlite'))
  }
}

/**
 * Makes ledgers of so many transactions through the validator and the store, in blocks of a hundred, as a network would have
 * left them. Signatures are neither made nor checked.
 */
export async function makeLedgers(options: MakeOptions): Promise<MadeLedgers> {
  const { topology, credentials, directory } = options
  const channel = channelOf(topology, credentials)
  const folder = peerFolder(directory, madePeer)
  mkdirSync(folder, { recursive: true })
  const began = performance.now()
  const ledger = await openMadeLedger(channel, credentials, directory)
  let commits: CommitCost[]
  let blocks: number
  try {
    commits = await makeAll(options, channel, ledger)
    blocks = ledger.blocks.height
  } finally {
    ledger.close()
  }
  const seconds = (performance.now() - began) / 1000
  copyPeers(options)
  const further = commits.reduce((sum, cost) => sum + cost.transactions, 0)
  const sizeOf = (name: string): number => statSync(join(folder, name)).size
  return {
    transactions: Math.ceil(options.transactions / blockSize) * blockSize + further,
    blocks,
    seconds,
    blockBytes: sizeOf('blocks'),
    databaseBytes: sizeOf('ledger.sqlite'),
    commits,
  }
}
