import { createDefinitions } from '../../scripts/network/embedded/channel/definitions.ts'
import { configurationIn } from '../../scripts/network/embedded/configuration/configurations.ts'
import { commitHashOf } from '../../scripts/network/embedded/ledger/commit-hash.ts'
import { openLedger, type Ledger } from '../../scripts/network/embedded/ledger/ledger.ts'
import { codeName } from '../../scripts/network/embedded/ledger/validation-code.ts'
import { checkTransaction } from '../../scripts/network/embedded/ledger/verify-signatures.ts'
import { validationCodesOf, type Block } from '../../scripts/network/fabric/block.ts'
import { narrowTopology } from '../../scripts/network/topology.ts'

const mspId = 'NorthMSP'

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
  const topology = narrowTopology()
  const { channel } = topology.constitution
  const ledger = await openLedger({
    directory,
    mspId,
    channel,
    chaincode: topology.chaincode.name,
    readDefinitions: createDefinitions,
    fetch: () => undefined,
  })
  const codes = new Map<string, number>()
  try {
    for (const block of blocks) {
      const differences = await judge(ledger, block)
      for (const code of validationCodesOf(block))
        codes.set(codeName(code), (codes.get(codeName(code)) ?? 0) + 1)
      if (differences.length > 0) return { differences, codes }
    }
  } finally {
    ledger.close()
  }
  return { differences: [], codes }
}

async function judge(ledger: Ledger, block: Block): Promise<string[]> {
  const { membership } = block.number === 0 ? configurationIn(block) : ledger.configurations.current()
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
  if (
    differences.length === 0 &&
    lastBlock !== undefined &&
    !commitHashOf(lastBlock).equals(commitHashOf(block))
  )
    differences.push(`block ${block.number}: the state is another one`)
  return differences
}
