import { readMsps } from '../../scripts/network/embedded/channel/compare.ts'
import { openLedger, type Ledger } from '../../scripts/network/embedded/ledger/ledger.ts'
import { readEnvelope } from '../../scripts/network/embedded/ledger/transaction.ts'
import { codeName } from '../../scripts/network/embedded/ledger/validation-code.ts'
import { checkTransaction } from '../../scripts/network/embedded/ledger/verify-signatures.ts'
import { createMembership, type Membership } from '../../scripts/network/embedded/msp/membership.ts'
import { slot, validationCodesOf, type Block } from '../../scripts/network/fabric/block.ts'
import { definitionOf, lifecycleDefinition } from '../../scripts/network/fabric/definition.ts'
import { bytes, decode, msp } from '../../scripts/network/fabric/message.ts'
import { narrowTopology } from '../../scripts/network/topology.ts'

const mspId = 'NorthMSP'

/** The MSPs of a genesis block. */
function membershipOf(genesis: Buffer): Membership {
  const configurations = [...readMsps(readEnvelope(genesis).data)].map(([id, content]) => {
    const config = decode(msp.FabricMSPConfig, decode(msp.MSPConfig, content).getConfig_asU8())
    const toText = (value: Uint8Array): string => bytes(value).toString()
    return {
      id,
      root: config.getRootCertsList_asU8().map(toText).join(''),
      revocations: config.getRevocationListList_asU8().map(toText),
    }
  })
  return createMembership(
    new Map(configurations.map(({ id, root }) => [id, root])),
    new Map(configurations.map(({ id, revocations }) => [id, revocations])),
  )
}

const commitHashOf = ({ metadata }: Block): string => metadata[slot.commitHash]?.toString('hex') ?? ''

/** What came of replaying a chain that a real peer has judged. */
export interface Replay {
  /** A line for each verdict or state on which we differ from the peer, up to the first block of which one does. */
  readonly differences: readonly string[]
  readonly codes: ReadonlyMap<string, number>
}

/**
 * Lets our validator judge the blocks again, each against the state that the ones before have left.
 * @param directory an empty folder
 */
export async function replay(blocks: readonly Block[], directory: string): Promise<Replay> {
  const [genesis] = blocks[0]?.envelopes ?? []
  if (genesis === undefined) throw new RangeError('the chain has no genesis block')
  const membership = membershipOf(genesis)
  const topology = narrowTopology()
  const definition = definitionOf(topology)
  const definitions = new Map([definition, lifecycleDefinition(topology)].map((value) => [value.name, value]))
  const { channel } = topology.constitution
  const ledger = await openLedger({
    directory,
    mspId,
    channel,
    membership,
    definition,
    definitions,
    fetch: () => undefined,
  })
  const codes = new Map<string, number>()
  try {
    for (const block of blocks) {
      const differences = await judge(ledger, block, membership)
      for (const code of validationCodesOf(block))
        codes.set(codeName(code), (codes.get(codeName(code)) ?? 0) + 1)
      if (differences.length > 0) return { differences, codes }
    }
  } finally {
    ledger.close()
  }
  return { differences: [], codes }
}

async function judge(ledger: Ledger, block: Block, membership: Membership): Promise<string[]> {
  const checked = block.envelopes.map((envelope) => checkTransaction(envelope, membership))
  const ours = await ledger.commit(block, checked)
  const differences = validationCodesOf(block).flatMap((code, index) =>
    ours[index] === code
      ? []
      : [
          `block ${block.number}, transaction ${index}: ours ${codeName(ours[index] ?? -1)}, Fabric’s ${codeName(code)}`,
        ],
  )
  const { lastBlock } = ledger.blocks
  if (differences.length === 0 && lastBlock !== undefined && commitHashOf(lastBlock) !== commitHashOf(block))
    differences.push(`block ${block.number}: the state is another one`)
  return differences
}
