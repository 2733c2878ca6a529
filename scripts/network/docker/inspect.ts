import { definitionOf } from '../fabric/definition.ts'
import type { Topology } from '../topology.ts'
import type { Administration, Administrator } from './administration.ts'
import { chainInfo, committedDefinition, installedPackages } from './lifecycle.ts'

/** What an organisation's nodes say of themselves; what could not be learnt is the reason. */
export interface Inspected {
  readonly organisation: string
  readonly peer:
    | {
        readonly height: number
        /** Of the newest block, in hexadecimal. */
        readonly hash: string
        /** Whether it has the package of this version. */
        readonly installed: boolean
        /** Sequence of the chaincode's definition, when it is the one of this version. */
        readonly sequence: number | null
      }
    | { readonly fault: string }
  readonly orderer: { readonly status: string; readonly height: number } | { readonly fault: string } | null
}

interface InspectOptions {
  readonly topology: Topology
  readonly administration: Administration
}

const faultOf = (error: unknown): { fault: string } => ({ fault: (error as Error).message })

/** Asks every organisation's peer and orderer. A node that does not answer is told, and never an error. */
export const inspect = ({ topology, administration }: InspectOptions): Promise<readonly Inspected[]> =>
  Promise.all(
    administration.administrators.map(async (administrator): Promise<Inspected> => {
      const { organisation } = administrator
      const [peer, orderer] = await Promise.all([
        inspectPeer(administrator, topology).catch(faultOf),
        topology.orderers.includes(organisation)
          ? inspectOrderer(administrator, topology).catch(faultOf)
          : null,
      ])
      return { organisation, peer, orderer }
    }),
  )

async function inspectPeer(administrator: Administrator, topology: Topology): Promise<Inspected['peer']> {
  const { channel } = topology.constitution
  const [{ height, hash }, packages, committed] = await Promise.all([
    chainInfo(administrator, channel),
    installedPackages(administrator),
    committedDefinition(administrator, channel, definitionOf(topology)),
  ])
  return {
    height,
    hash,
    installed: packages.includes(topology.chaincode.packageId),
    sequence: committed?.isSame === true ? committed.sequence : null,
  }
}

async function inspectOrderer(
  { orderer }: Administrator,
  topology: Topology,
): Promise<{ readonly status: string; readonly height: number }> {
  const found = await orderer.participation(topology.constitution.channel)
  if (found === undefined) throw new Error('it has not joined the channel')
  return found
}
