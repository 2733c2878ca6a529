import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { issueLeaf } from '../../../../../scripts/network/certificates.ts'
import {
  createChannel,
  firstEnvelopes,
  type Channel,
} from '../../../../../scripts/network/embedded/channel/channel.ts'
import { createDefinitions } from '../../../../../scripts/network/embedded/channel/definitions.ts'
import { createBlock, type Block } from '../../../../../scripts/network/fabric/block.ts'
import { hashedSpace, privateSpace } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import { openLedger, type Ledger } from '../../../../../scripts/network/embedded/ledger/ledger.ts'
import type { Bundle } from '../../../../../scripts/network/embedded/configuration/bundle.ts'
import { configurationIn } from '../../../../../scripts/network/embedded/configuration/configurations.ts'
import { readTransaction } from '../../../../../scripts/network/embedded/ledger/transaction.ts'
import { common } from '../../../../../scripts/network/fabric/message.ts'
import { codeName } from '../../../../../scripts/network/embedded/ledger/validation-code.ts'
import { checkTransaction } from '../../../../../scripts/network/embedded/ledger/verify-signatures.ts'
import type { Definition } from '../../../../../scripts/network/fabric/definition.ts'
import { createSigner, type Signer } from '../../../../../scripts/network/fabric/signer.ts'
import { signBlock } from '../../../../../scripts/network/embedded/node/ordering.ts'
import {
  issueCredentials,
  revokeCertificates,
  type Credentials,
} from '../../../../../scripts/network/issue.ts'
import { credentialsOf } from '../../../../../scripts/network/profile.ts'
import { narrowTopology, type Topology } from '../../../../../scripts/network/topology.ts'
import { testPort } from '../../../../support/ports.ts'

type Part = 'peer' | 'orderer' | 'gateway' | 'operator' | 'admin'

/** A channel of three peers' ledgers, with those who attack it. */
export interface World {
  readonly topology: Topology
  readonly credentials: Credentials
  readonly channel: Channel
  /** The one in force. */
  configuration(): Bundle
  readonly ledgers: readonly Ledger[]
  readonly north: Ledger
  /** An honest identity of an organisation. */
  readonly of: (organisation: string, part: Part) => Signer
  readonly attackers: {
    /** With certificates of an authority that calls itself North's. */
    readonly rogue: (part: Part) => Signer
    /** With certificates that name North's authority and its key, and that another key has signed. */
    readonly forgedClient: Signer
    readonly forgedPeer: Signer
    readonly revokedClient: Signer
    readonly revokedPeer: Signer
  }
  /** Commits a block at every peer; gives its codes, which must be the same everywhere. */
  commit(envelopes: readonly Buffer[]): Promise<readonly string[]>
  /** All that the peers hold besides blocks, private values included. */
  contents(): readonly string[]
  close(): void
}

const isConfiguration = (envelope: Buffer): boolean =>
  readTransaction(envelope).header?.type === common.HeaderType.CONFIG

/**
 * @param onBlock hears of each block, as the orderer signed it, before any peer commits it
 * @param define makes the chaincode's definition of the product's
 */
export async function createWorld(
  directory: string,
  onBlock: (block: Block) => void = () => undefined,
  define: (definition: Definition) => Definition = (definition) => definition,
): Promise<World> {
  const topology = narrowTopology(testPort(850))
  const home = join(directory, 'credentials')
  const rogue = credentialsOf(await issueCredentials(topology, join(directory, 'rogue')), 'north')
  const own = credentialsOf(await issueCredentials(topology, home), 'north')
  const revokedPeer = await issueLeaf(
    own.ca,
    { subject: { commonName: 'stolen', organisation: 'North Hospital', unit: 'peer' } },
    Date.now(),
  )
  // Its authority's name and key identifier are in a certificate; only the signature tells whose it is.
  const impostor = { certificate: own.ca.certificate, privateKey: rogue.ca.privateKey }
  const forged = async (unit: 'client' | 'peer'): Promise<Signer> => {
    const subject = { commonName: 'forged', organisation: 'North Hospital', unit }
    return createSigner('NorthMSP', await issueLeaf(impostor, { subject }, Date.now()))
  }
  const [forgedClient, forgedPeer] = [await forged('client'), await forged('peer')]
  await revokeCertificates(home, 'north', [own.operator.certificate, revokedPeer.certificate])
  const credentials = await issueCredentials(topology, home)
  const made = createChannel(topology, credentials, {
    maxMessages: 10,
    preferredBytes: 1_000_000,
    absoluteBytes: 1_000_000,
    timeoutMs: 10,
  })
  const channel = { ...made, definition: define(made.definition) }
  const { definition, name } = channel
  const ledgers = await Promise.all(
    channel.configuration.organisations.map(({ mspId }) => {
      const folder = join(directory, mspId)
      mkdirSync(folder)
      const base = { directory: folder, mspId, channel: name, chaincode: definition.name }
      return openLedger({ ...base, readDefinitions: createDefinitions, fetch: () => undefined })
    }),
  )
  const [north] = ledgers
  if (north === undefined) throw new Error('there is no peer')
  const spaces = [
    definition.name,
    '_lifecycle',
    'other',
    ...[...definition.collections.keys()].flatMap((collection) => [
      hashedSpace(definition.name, collection),
      privateSpace(definition.name, collection),
    ]),
  ]
  const orderer = credentialsOf(credentials, topology.orderers[0])
  const orderingSigner = createSigner(orderer.mspId, orderer.orderer)
  let lastConfig = 0
  const world: World = {
    topology,
    credentials,
    channel,
    configuration: () => north.configurations.current(),
    ledgers,
    north,
    of: (organisation, part) => {
      const held = credentialsOf(credentials, organisation)
      return createSigner(held.mspId, held[part])
    },
    attackers: {
      rogue: (part) => createSigner('NorthMSP', rogue[part]),
      forgedClient,
      forgedPeer,
      revokedClient: createSigner('NorthMSP', own.operator),
      revokedPeer: createSigner('NorthMSP', revokedPeer),
    },
    async commit(envelopes) {
      const block = createBlock(north.blocks.height, north.blocks.lastHash, envelopes)
      const index = block.number === 0 || envelopes.some(isConfiguration) ? block.number : lastConfig
      const signed = signBlock(block, orderingSigner, index)
      onBlock(signed)
      const { membership } = block.number === 0 ? configurationIn(block) : north.configurations.current()
      const checked = envelopes.map((envelope) => checkTransaction(envelope, membership))
      const verdicts = await Promise.all(ledgers.map((ledger) => ledger.commit(signed, checked)))
      lastConfig = index
      const [codes = [], ...others] = verdicts.map((verdict) => verdict.map(codeName))
      if (others.some((other) => other.join() !== codes.join())) throw new Error('the peers disagree')
      return codes
    },
    contents: () =>
      ledgers.map(({ state, privateData, blocks }) => {
        const entries = spaces.flatMap((space) =>
          [...state.range(space, '', '')].map((entry) => [space, entry]),
        )
        const stored = Array.from({ length: blocks.height }, (_, number) => privateData(number).size)
        return JSON.stringify([entries, stored.filter((size) => size > 0)])
      }),
    close: () => ledgers.forEach((ledger) => ledger.close()),
  }
  for (const envelope of firstEnvelopes(topology, credentials, channel, Date.now()))
    await world.commit([envelope])
  return world
}
