import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Definitions } from '../../../../../scripts/network/embedded/channel/definitions.ts'
import { createBlock, decodeBlock, type Block } from '../../../../../scripts/network/fabric/block.ts'
import { definitionOf } from '../../../../../scripts/network/fabric/definition.ts'
import type { Signer } from '../../../../../scripts/network/fabric/signer.ts'
import { hashedSpace, privateSpace } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import { openLedger, type Ledger } from '../../../../../scripts/network/embedded/ledger/ledger.ts'
import type { FetchPrivate } from '../../../../../scripts/network/embedded/ledger/missing-data.ts'
import type { SimulationResults } from '../../../../../scripts/network/embedded/ledger/read-write-set-builder.ts'
import { createSimulation } from '../../../../../scripts/network/embedded/ledger/simulate.ts'
import { readTransaction } from '../../../../../scripts/network/embedded/ledger/transaction.ts'
import { codeName } from '../../../../../scripts/network/embedded/ledger/validation-code.ts'
import type { CheckedTransaction } from '../../../../../scripts/network/embedded/ledger/verify-signatures.ts'
import { createPrivateAnswer } from '../../../../../scripts/network/embedded/node/deliver-answers.ts'
import { narrowTopology } from '../../../../../scripts/network/topology.ts'
import { forge } from '../attacks/forge.ts'
import { createMemoryState } from '../../../../support/memory-state.ts'

export const definition = definitionOf(narrowTopology())
export const collection = 'access-north'
export const members = ['NorthMSP', 'AuthorityMSP'] as const
/** Its peer has the blocks, and no value of the collection. */
export const outsider = 'SouthMSP'
export type Peer = (typeof members)[number] | typeof outsider

export type Kind = 'put' | 'delete' | 'purge'

/** A transaction, and which peers are sent its private writes before it is committed. */
export interface Step {
  readonly kinds: Readonly<Record<string, Kind>>
  readonly sentTo: readonly Peer[]
  /** Nobody has endorsed it, so that it is invalid. */
  readonly isInvalid?: boolean
}

/** The value that a transaction puts; no other one is the same. */
export const valueOf = (block: number, transaction: number, key: string): string =>
  `value-${block}-${transaction}-${key};`

/** Ledgers of peers that ask each other for what they lack. Signatures are taken as read. */
export interface PurgeWorld {
  readonly of: (peer: Peer) => Ledger
  /** @param fetch replaces asking the other members */
  open(peer: Peer, fetch?: FetchPrivate): Promise<void>
  close(peer: Peer): void
  closeAll(): void
  /** Commits a block at all peers that run, whose codes must be the same. */
  commit(...steps: readonly Step[]): Promise<void>
  /** Commits a block of another peer. */
  copy(number: number, from: Peer, to: Peer): Promise<void>
  /** What a peer's state holds of the collection, hashes and values. */
  readonly contents: (peer: Peer) => readonly string[]
  /** The values in clear in a peer's state. */
  readonly values: (peer: Peer) => readonly string[]
  readonly directory: (peer: Peer) => string
  /** Everything that lies in the peer's folder. */
  readonly files: (peer: Peer) => string
  /** All blocks as the peer delivers them to its own organisation, with private data. */
  readonly delivered: (peer: Peer) => string
}

const signer = (mspId: string): Signer => ({
  mspId,
  identity: Buffer.from(mspId),
  sign: () => Buffer.from('signed'),
})

function simulate({ kinds }: Step, block: number, transaction: number): SimulationResults {
  const simulation = createSimulation(createMemoryState(), definition, 'id', { of: () => [] })
  for (const [key, kind] of Object.entries(kinds))
    if (kind === 'put') simulation.put(collection, key, Buffer.from(valueOf(block, transaction, key)))
    else simulation[kind](collection, key)
  return simulation.results()
}

async function take(ledger: Ledger, block: Block): Promise<void> {
  const checked = block.envelopes.map((envelope): CheckedTransaction => {
    const transaction = readTransaction(envelope)
    const endorsers = transaction.action?.endorsements.map(({ endorser }) => ({
      mspId: endorser.toString(),
      role: 'peer' as const,
    }))
    return { ...transaction, isCreatorValid: true, endorsers: endorsers ?? [] }
  })
  const codes = await ledger.commit(block, checked)
  for (const [index, { endorsers }] of checked.entries()) {
    const expected = endorsers.length === 0 ? 'ENDORSEMENT_POLICY_FAILURE' : 'VALID'
    if (codeName(codes[index] ?? 0) !== expected) throw new Error(`transaction ${index} is not ${expected}`)
  }
}

const everyBlock = (ledger: Ledger): Buffer[] =>
  Array.from({ length: ledger.blocks.height }, (_, number) => ledger.blocks.read(number))

/** @param root where the ledgers lie */
export function createPurgeWorld(root: string): PurgeWorld {
  const directory = mkdtempSync(join(root, 'world-'))
  const ledgers = new Map<Peer, Ledger>()
  const of = (peer: Peer): Ledger => {
    const ledger = ledgers.get(peer)
    if (ledger === undefined) throw new Error(`the peer of ${peer} does not run`)
    return ledger
  }
  const askOthers =
    (peer: Peer): FetchPrivate =>
    (wanted) => {
      const others = members
        .filter((other) => other !== peer)
        .map((other) => ledgers.get(other)?.find(wanted))
      return others.find((content) => content !== undefined)
    }
  const endorse = (step: Step, block: number, index: number): Buffer => {
    const { publicSet, privateSets } = simulate(step, block, index)
    const creator = signer('NorthMSP')
    const endorsers = step.isInvalid === true ? [] : members.map(signer)
    const forged = forge({ creator, endorsers, results: publicSet })
    for (const peer of step.sentTo) ledgers.get(peer)?.transient.add(forged.transactionId, block, privateSets)
    return forged.envelope
  }
  const rangeOf = (peer: Peer, space: string): Array<readonly [string, { readonly value: Buffer }]> => [
    ...of(peer).state.range(space, '', ''),
  ]
  const values = privateSpace(definition.name, collection)

  return {
    of,
    async open(peer, fetch = askOthers(peer)) {
      const own = join(directory, peer)
      mkdirSync(own, { recursive: true })
      const readDefinitions = (): Definitions => () => ({ ...definition, sequence: 1 })
      const chaincode = definition.name
      const base = { directory: own, mspId: peer, channel: 'medledger', chaincode, readDefinitions, fetch }
      ledgers.set(peer, await openLedger(base))
    },
    close(peer) {
      of(peer).close()
      ledgers.delete(peer)
    },
    closeAll: () => [...ledgers.values()].forEach((ledger) => ledger.close()),
    async commit(...steps) {
      const [first] = ledgers.values()
      if (first === undefined) throw new Error('no peer runs')
      const { height, lastHash } = first.blocks
      const envelopes = steps.map((step, index) => endorse(step, height, index))
      for (const ledger of ledgers.values()) await take(ledger, createBlock(height, lastHash, envelopes))
    },
    copy: (number, from, to) => take(of(to), decodeBlock(of(from).blocks.read(number))),
    contents: (peer) =>
      [hashedSpace(definition.name, collection), values].flatMap((space) =>
        rangeOf(peer, space).map((entry) => JSON.stringify([space, entry])),
      ),
    values: (peer) => rangeOf(peer, values).map(([, { value }]) => value.toString()),
    directory: (peer) => join(directory, peer),
    files: (peer) =>
      readdirSync(join(directory, peer))
        .map((name) => readFileSync(join(directory, peer, name), 'latin1'))
        .join('\n'),
    delivered(peer) {
      const answer = createPrivateAnswer(definition.name, of(peer))
      return everyBlock(of(peer))
        .map((block) => answer(block, peer).toString('latin1'))
        .join('\n')
    },
  }
}
