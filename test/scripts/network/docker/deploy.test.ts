import { describe, expect, test } from 'vitest'
import { definitionOf } from '../../../../scripts/network/fabric/definition.ts'
import { build, decode, encoded, lifecycle, peer } from '../../../../scripts/network/fabric/message.ts'
import type { Administration, Administrator } from '../../../../scripts/network/docker/administration.ts'
import { deployAll, joinAll } from '../../../../scripts/network/docker/deploy.ts'
import { definitionFields } from '../../../../scripts/network/docker/lifecycle.ts'
import { PeerRefusal, type Call } from '../../../../scripts/network/docker/proposal.ts'
import { demoTopology } from '../../../../scripts/network/topology.ts'

const topology = demoTopology(7000, 'docker')
const { channel, organisations } = topology.constitution
const definition = definitionOf(topology)
const { packageId } = topology.chaincode

/** What is on the channel, and what each organisation's nodes have. */
interface World {
  readonly joined: Set<string>
  readonly ordering: Set<string>
  readonly installed: Set<string>
  readonly approved: Map<string, number>
  committed: number
  /** Every change that was asked for, by its name. */
  readonly changes: string[]
  /** Breaks off the change with this number, counted from 0, before or after it is done. */
  breakAt?: { readonly change: number; readonly isDone: boolean }
}

const emptyWorld = (): World => ({
  joined: new Set(),
  ordering: new Set(),
  installed: new Set(),
  approved: new Map(),
  committed: 0,
  changes: [],
})

/** Stands for the operator's Ctrl-C, which nothing is tried again after. */
class Interruption extends Error {}

function change(world: World, name: string, act: () => void): void {
  const number = world.changes.length
  world.changes.push(name)
  if (world.breakAt?.change === number) {
    if (world.breakAt.isDone) act()
    throw new Interruption()
  }
  act()
}

const nameOf = ({ args }: Call): string => Buffer.from(args[0] ?? []).toString()

/** Answers as Fabric's own chaincodes would. */
function answer(world: World, organisation: string, call: Call): Buffer {
  const argument = call.args[1] ?? Buffer.alloc(0)
  const answers: Record<string, () => Buffer> = {
    GetChannels: () =>
      encoded(peer.ChannelQueryResponse, {
        channelsList: world.joined.has(organisation) ? [build(peer.ChannelInfo, { channelId: channel })] : [],
      }),
    JoinChain: () => {
      change(world, `join ${organisation}`, () => world.joined.add(organisation))
      return Buffer.alloc(0)
    },
    QueryInstalledChaincodes: () =>
      encoded(lifecycle.QueryInstalledChaincodesResult, {
        installedChaincodesList: world.installed.has(organisation)
          ? [build(lifecycle.QueryInstalledChaincodesResult.InstalledChaincode, { packageId })]
          : [],
      }),
    InstallChaincode: () => {
      change(world, `install ${organisation}`, () => world.installed.add(organisation))
      return Buffer.alloc(0)
    },
    QueryChaincodeDefinition: () => {
      if (world.committed === 0) throw new PeerRefusal(404, `namespace ${definition.name} is not defined`)
      return encoded(lifecycle.QueryChaincodeDefinitionResult, {
        ...definitionFields(definition),
        sequence: world.committed,
      })
    },
    QueryApprovedChaincodeDefinition: () => {
      const { sequence } = decode(lifecycle.QueryApprovedChaincodeDefinitionArgs, argument).toObject()
      if (world.approved.get(organisation) !== sequence) throw new PeerRefusal(404, 'not approved')
      const localPackage = build(lifecycle.ChaincodeSource.Local, { packageId })
      return encoded(lifecycle.QueryApprovedChaincodeDefinitionResult, {
        source: build(lifecycle.ChaincodeSource, { localPackage }),
      })
    },
    CheckCommitReadiness: () => {
      const message = new lifecycle.CheckCommitReadinessResult()
      for (const { name, mspId } of organisations)
        message.getApprovalsMap().set(mspId, world.approved.has(name))
      return Buffer.from(message.serializeBinary())
    },
  }
  const found = answers[nameOf(call)]
  if (found === undefined) throw new Error(`nobody answers ${nameOf(call)}`)
  return found()
}

function administrationOf(world: World): Administration {
  const administrators = organisations.map(({ name, mspId }): Administrator => ({
    organisation: name,
    mspId,
    orderer: {
      participation: () =>
        Promise.resolve(world.ordering.has(name) ? { status: 'active', height: 1 } : undefined),
      join: async () => change(world, `order ${name}`, () => world.ordering.add(name)),
    },
    ask: async (call) => answer(world, name, call),
    async *blocks() {},
    submit: async (call) => {
      if (nameOf(call) === 'ApproveChaincodeDefinitionForMyOrg')
        change(world, `approve ${name}`, () => world.approved.set(name, world.committed + 1))
      else change(world, 'commit', () => (world.committed += 1))
    },
  }))
  return { administrators, close() {} }
}

async function deployed(world: World): Promise<readonly string[]> {
  const lines: string[] = []
  const isFinal = (error: unknown): boolean => error instanceof Interruption
  const options = {
    topology,
    administration: administrationOf(world),
    report: (line: string) => void lines.push(line),
    isFinal,
  }
  await joinAll(options, Buffer.from('genesis'))
  await deployAll(options)
  return lines
}

const whole = { committed: 1 }

describe('a deployment', () => {
  test('does everything once on a new network, and tells each thing', async () => {
    const world = emptyWorld()
    const lines = await deployed(world)
    expect(world).toMatchObject(whole)
    expect(world.changes.toSorted()).toEqual(
      [
        ...organisations.flatMap(({ name }) => [
          `order ${name}`,
          `join ${name}`,
          `install ${name}`,
          `approve ${name}`,
        ]),
        'commit',
      ].toSorted(),
    )
    expect(lines).toHaveLength(world.changes.length)
  })

  test('repeated does nothing and tells nothing', async () => {
    const world = emptyWorld()
    await deployed(world)
    world.changes.length = 0
    expect(await deployed(world)).toEqual([])
    expect(world.changes).toEqual([])
  })

  test.each(Array.from({ length: 13 }, (_, step) => [step, false] as const))(
    'broken off before change %i goes on from there',
    async (step) => {
      const world = emptyWorld()
      world.breakAt = { change: step, isDone: false }
      await expect(deployed(world)).rejects.toThrow(Interruption)
      delete world.breakAt
      await deployed(world)
      expect(world).toMatchObject(whole)
      expect(world.changes.filter((name) => name === 'commit').length).toBeLessThanOrEqual(2)
    },
  )

  test.each(Array.from({ length: 13 }, (_, step) => [step] as const))(
    'broken off after change %i, which it did not learn of, does nothing twice',
    async (step) => {
      const world = emptyWorld()
      world.breakAt = { change: step, isDone: true }
      await expect(deployed(world)).rejects.toThrow(Interruption)
      delete world.breakAt
      await deployed(world)
      expect(world).toMatchObject(whole)
      expect(new Set(world.changes).size).toBe(world.changes.length)
    },
  )

  test('commits another definition than the one on the channel as the next sequence', async () => {
    const world = emptyWorld()
    await deployed(world)
    const other = demoTopology(7000, 'docker')
    const changed = { ...other, chaincode: { ...other.chaincode, version: '2' } }
    const administration = administrationOf(world)
    // The world answers with the old definition until it is committed anew.
    const lines: string[] = []
    const sequences: number[] = []
    const watched = administration.administrators.map((one) => ({
      ...one,
      submit: async (call: Call): Promise<void> => {
        if (nameOf(call) === 'ApproveChaincodeDefinitionForMyOrg') {
          const args = decode(
            lifecycle.ApproveChaincodeDefinitionForMyOrgArgs,
            call.args[1] ?? Buffer.alloc(0),
          )
          sequences.push(args.getSequence())
        }
        await one.submit(call)
        if (nameOf(call) === 'CommitChaincodeDefinition') throw new Interruption()
      },
    }))
    const options = {
      topology: changed,
      administration: { ...administration, administrators: watched },
      report: (line: string) => void lines.push(line),
      isFinal: (error: unknown) => error instanceof Interruption,
    }
    await expect(deployAll(options)).rejects.toThrow(Interruption)
    expect(sequences).toEqual([2, 2, 2])
    expect(world.committed).toBe(2)
  })
})
