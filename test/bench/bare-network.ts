import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { accessCollection, collectionNamed, type Endorsers } from 'medledger-chaincode/api'
import { chaincodeEndorsers, randomId } from 'medledger-chaincode/api'
import { connectFabric, type Sealed } from '../../gateway/src/ledger/index.ts'
import { connectionProfile, credentialsOf } from '../../scripts/network/profile.ts'
import { demoTopology } from '../../scripts/network/topology.ts'
import { chaincodePlan, networkPlan, type ProcessPlan } from '../../scripts/start/parts.ts'
import { pathsIn } from '../../scripts/start/paths.ts'
import { prepare } from '../../scripts/start/prepare.ts'
import { poll } from '../support/poll.ts'
import type { CountedProcess } from './processes.ts'

/** The same network as an instance's, with a chaincode that only writes. */
export interface BareNetwork {
  readonly processes: readonly CountedProcess[]
  /** One private write to the collection and with the endorsers of an access. */
  readonly writePrivate: () => Promise<unknown>
  /** One write to public state, with the chaincode's own policy. */
  readonly writePublic: () => Promise<unknown>
  readonly close: () => Promise<void>
}

const probeFolder = fileURLToPath(new URL('probe', import.meta.url))

/** About as much as an access writes. */
const valueBytes = 1000

const launch = ({ command, directory, environment }: ProcessPlan): ChildProcess =>
  spawn(process.execPath, command, {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function ready(network: ChildProcess): Promise<void> {
  let isReady = false
  network.on('message', (message) => {
    isReady ||= (message as { readonly type?: string }).type === 'ready'
  })
  await poll('the bare network', () => isReady || undefined, { deadlineMs: 60_000 })
}

export async function startBareNetwork(data: string, firstPort: number): Promise<BareNetwork> {
  const topology = demoTopology(firstPort)
  const { constitution } = topology
  const prepared = await prepare(topology, pathsIn(data))
  const names = constitution.organisations.map(({ name }) => name)
  const plans = [
    networkPlan(prepared),
    ...names.map((name) => ({ ...chaincodePlan(prepared, name), directory: probeFolder })),
  ]
  const children = plans.map((plan) => ({ name: plan.name, child: launch(plan) }))
  const [network] = children
  if (network === undefined) throw new Error('there is no network')
  await ready(network.child)
  const { mspId, gateway } = credentialsOf(prepared.credentials, 'south')
  const transport = await connectFabric({
    profile: connectionProfile(topology, prepared.credentials, 'south'),
    channel: constitution.channel,
    chaincode: topology.chaincode.name,
    mspOf: (name) => credentialsOf(prepared.credentials, name).mspId,
    organisation: 'south',
    identity: { mspId, certificate: gateway.certificate, privateKey: gateway.privateKey },
    log: () => undefined,
  })
  const collection = accessCollection('north')
  const write = (name: string, endorsers: Endorsers): Promise<unknown> => {
    const transient = { collection: Buffer.from(collection), value: randomBytes(valueBytes) }
    const sealed: Sealed = { name, commitment: randomId(), transient }
    return transport.submit(sealed, endorsers)
  }
  return {
    processes: children.flatMap(({ name, child: { pid } }) => (pid === undefined ? [] : [{ name, pid }])),
    writePrivate: () => write('WritePrivate', collectionNamed(constitution, collection).endorsers),
    writePublic: () => write('WritePublic', chaincodeEndorsers(constitution)),
    async close() {
      transport.close()
      for (const { child } of children) await stop(child)
    },
  }
}
