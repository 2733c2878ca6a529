import { setTimeout as pause } from 'node:timers/promises'
import { chaincodePackage } from '../chaincode-package.ts'
import { definitionOf, type Definition } from '../fabric/definition.ts'
import type { Topology } from '../topology.ts'
import type { Administration, Administrator } from './administration.ts'
import {
  approve,
  approvals,
  approvedPackage,
  commit,
  committedDefinition,
  install,
  installedPackages,
  joinChannel,
  joinedChannels,
} from './lifecycle.ts'

/** Whoever watches: a line for each thing that has been done, none for what was done already. */
export type Report = (line: string) => void

export interface DeployOptions {
  readonly topology: Topology
  readonly administration: Administration
  readonly report: Report
  /** Whether an error is not worth another attempt. By default every one is, until time is up. */
  readonly isFinal?: (error: unknown) => boolean
}

const patienceMs = 90_000
const retryMs = 300

/** Repeats what fails while nodes start, find their leader or follow the chain. Errors: the last one, with what was tried. */
async function insist<Value>(
  what: string,
  { isFinal }: Pick<DeployOptions, 'isFinal'>,
  attempt: () => Promise<Value>,
): Promise<Value> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (isFinal?.(error) === true) throw error
      if (performance.now() > deadline)
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
      await pause(retryMs)
    }
  }
}

/** Waits for a condition, asking again and again. */
const until = (
  what: string,
  options: Pick<DeployOptions, 'isFinal'>,
  holds: () => Promise<boolean>,
): Promise<void> =>
  insist(what, options, async () => {
    if (!(await holds())) throw new Error('it has not happened yet')
  })

/** Has every orderer and every peer join the channel. A repeat changes nothing. */
export async function joinAll(options: DeployOptions, genesis: Buffer): Promise<void> {
  const { topology, administration, report } = options
  const { channel } = topology.constitution
  const ordering = administration.administrators.filter(({ organisation }) =>
    topology.orderers.includes(organisation),
  )
  await Promise.all(
    ordering.map(({ organisation, orderer }) =>
      insist(`The orderer of ${organisation} does not join`, options, async () => {
        if ((await orderer.participation(channel)) !== undefined) return
        await orderer.join(genesis)
        report(`the orderer of ${organisation} has joined ${channel}`)
      }),
    ),
  )
  await Promise.all(
    administration.administrators.map((administrator) =>
      insist(`The peer of ${administrator.organisation} does not join`, options, async () => {
        if ((await joinedChannels(administrator)).includes(channel)) return
        await joinChannel(administrator, genesis)
        report(`the peer of ${administrator.organisation} has joined ${channel}`)
      }),
    ),
  )
}

/**
 * Installs the chaincode's package at every peer, has every organisation approve the definition that follows from the
 * topology, and commits it, as the next sequence when the one on the channel is another. A repeat changes nothing.
 */
export async function deployAll(options: DeployOptions): Promise<void> {
  const { topology, administration } = options
  const { channel } = topology.constitution
  const definition = definitionOf(topology)
  const { administrators } = administration
  await Promise.all(administrators.map((administrator) => installAt(administrator, options)))
  const [first] = administrators
  if (first === undefined) throw new RangeError('the network has no organisations')
  const current = await insist('The channel does not tell its chaincode', options, () =>
    committedDefinition(first, channel, definition),
  )
  const sequence = current?.isSame === true ? current.sequence : (current?.sequence ?? 0) + 1
  await Promise.all(
    administrators.map((administrator) => approveAt(administrator, { ...options, definition, sequence })),
  )
  if (current?.isSame === true) return
  await commitOnce({ ...options, definition, sequence })
}

async function installAt(administrator: Administrator, options: DeployOptions): Promise<void> {
  const { packageId } = options.topology.chaincode
  await insist(
    `The peer of ${administrator.organisation} does not install the chaincode`,
    options,
    async () => {
      if ((await installedPackages(administrator)).includes(packageId)) return
      await install(administrator, chaincodePackage(labelOf(packageId)).content)
      options.report(`the peer of ${administrator.organisation} has installed ${packageId}`)
    },
  )
}

const labelOf = (packageId: string): string => packageId.slice(0, packageId.indexOf(':'))

interface Agreement extends DeployOptions {
  readonly definition: Definition
  readonly sequence: number
}

async function approveAt(administrator: Administrator, agreement: Agreement): Promise<void> {
  const { topology, definition, sequence, report } = agreement
  const { channel } = topology.constitution
  const { packageId } = topology.chaincode
  const isApproved = async (): Promise<boolean> =>
    (await approvedPackage(administrator, channel, definition, sequence)) === packageId
  const what = `${administrator.organisation} does not approve the chaincode`
  if (await insist(what, agreement, isApproved)) return
  await insist(what, agreement, async () => {
    // What was sent before and looked lost may have come through.
    if (!(await isApproved())) await approve(administrator, channel, definition, { sequence, packageId })
  })
  await until(what, agreement, isApproved)
  report(`${administrator.organisation} has approved sequence ${sequence}`)
}

async function commitOnce(agreement: Agreement): Promise<void> {
  const { topology, administration, definition, sequence, report } = agreement
  const { channel } = topology.constitution
  const { administrators } = administration
  const [first] = administrators
  if (first === undefined) return
  const isCommitted = async (administrator: Administrator): Promise<boolean> =>
    (await committedDefinition(administrator, channel, definition))?.isSame === true
  await until('Not every organisation is known to have approved the chaincode', agreement, async () => {
    const known = await Promise.all(
      administrators.map((administrator) => approvals(administrator, channel, definition, sequence)),
    )
    return known.every((mspIds) => mspIds.length === administrators.length)
  })
  await insist('The chaincode is not committed', agreement, async () => {
    if (await isCommitted(first)) return
    const endorsers = administrators.map(({ organisation }) => organisation)
    await commit(first, channel, definition, { sequence, endorsers })
  })
  await Promise.all(
    administrators.map((administrator) =>
      until(`The peer of ${administrator.organisation} does not learn of the chaincode`, agreement, () =>
        isCommitted(administrator),
      ),
    ),
  )
  report(`sequence ${sequence} of ${definition.name} is committed`)
}
