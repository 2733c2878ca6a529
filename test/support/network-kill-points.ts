import { fork, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { issueCredentials, type Credentials } from '../../scripts/network/issue.ts'
import { demoTopology, type Topology } from '../../scripts/network/topology.ts'
import {
  connectClient,
  eventually,
  exited,
  startChaincode,
  temporaryDirectory,
  type ClientConnection,
} from '../scripts/network/embedded/support.ts'
import { poll } from './poll.ts'
import type { Arm, Death } from './killed-network.ts'

export interface KillPoint {
  readonly count: number
  readonly death: Death
}

/** What was found after the network had been killed and started again. */
export interface Aftermath extends KillPoint {
  /** The step at which it died, with the file. */
  readonly step: string
  /** Transactions that a client had been told to be valid. */
  readonly acknowledged: number
  /** How many of these some peer did not have afterwards. */
  readonly lost: number
  /** Whether all peers had the same blocks, public and private state. */
  readonly areEqual: boolean
}

const main = fileURLToPath(new URL('killed-network.ts', import.meta.url))
const collection = 'access-north'
const inFlight = 4

interface Bench {
  readonly topology: Topology
  readonly credentials: Credentials
  /** The settings of the network's process. */
  readonly file: string
  readonly report: string
  readonly directory: string
}

async function startNetwork({ file, report, directory }: Bench): Promise<ChildProcess> {
  const child = fork(main, [file, report, directory], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  let isReady = false
  child.on('message', ({ type }: { type: string }) => {
    isReady ||= type === 'ready'
  })
  await eventually(
    'the network',
    () => {
      if (child.exitCode !== null) throw new Error(`the network ended with code ${child.exitCode}`)
      return isReady
    },
    60_000,
  )
  return child
}

/** Submits public and private writes, several at once, until it is stopped. */
function submitOn(
  client: ClientConnection,
  run: number,
): { readonly acknowledged: string[]; readonly stop: () => void } {
  const acknowledged: string[] = []
  const over = new AbortController()
  let next = 0
  const submitOne = async (): Promise<void> => {
    next += 1
    const key = `key-${String(run).padStart(4, '0')}-${String(next).padStart(4, '0')}`
    const isPublic = next % 2 === 0
    const transaction = client.contract.createTransaction(isPublic ? 'put' : 'putPrivate')
    if (isPublic) await transaction.submit(key, key)
    else await transaction.setTransient({ value: Buffer.from(key) }).submit(collection, key)
    acknowledged.push(key)
  }
  const work = async (): Promise<void> => {
    while (!over.signal.aborted) await submitOne().catch(() => undefined)
  }
  for (let count = 0; count < inFlight; count += 1) void work()
  return { acknowledged, stop: () => over.abort() }
}

/** All that a peer shows: its blocks from a height on, and the keys of its public and private state. */
async function showPeer({ network, contract }: ClientConnection, from: number): Promise<PeerView> {
  const blocks: string[] = []
  const qscc = network.getContract('qscc')
  for (;;) {
    const number = String(from + blocks.length)
    const content = await qscc
      .evaluateTransaction('GetBlockByNumber', 'medledger', number)
      .catch((error: Error) => {
        if (error.message.includes('no such block number')) return undefined
        throw error
      })
    if (content === undefined) break
    blocks.push(content.toString('base64'))
  }
  const range = ['key-', 'key-~']
  const open = await contract.evaluateTransaction('rangePublic', ...range, 'Infinity')
  const closed = await contract.evaluateTransaction('rangePrivate', collection, ...range)
  const keys = [...(JSON.parse(open.toString()) as string[]), ...(JSON.parse(closed.toString()) as string[])]
  return { blocks, keys: new Set(keys) }
}

interface PeerView {
  readonly blocks: readonly string[]
  readonly keys: ReadonlySet<string>
}

const isSame = (one: PeerView, other: PeerView | undefined): boolean =>
  other !== undefined &&
  one.blocks.length === other.blocks.length &&
  one.blocks.every((block, index) => block === other.blocks[index]) &&
  one.keys.size === other.keys.size &&
  [...one.keys].every((key) => other.keys.has(key))

/** Kills the network at each point in turn, and looks what is left when it has been started again. */
export async function killAt(points: readonly KillPoint[], firstPort: number): Promise<Aftermath[]> {
  const topology = demoTopology(firstPort)
  const folder = temporaryDirectory()
  const credentialsDirectory = join(folder.path, 'credentials')
  const credentials = await issueCredentials(topology, credentialsDirectory)
  const directory = join(folder.path, 'ledger')
  const [file, report] = [join(folder.path, 'settings.json'), join(folder.path, 'report.json')]
  writeFileSync(file, JSON.stringify({ topology, credentialsDirectory, directory }))
  const bench = { topology, credentials, file, report, directory }
  const names = topology.constitution.organisations.map(({ name }) => name)
  const chaincodes = names.map((name) => startChaincode(topology, credentials, name))
  let child: ChildProcess | undefined
  try {
    child = await startNetwork(bench)
    const found: Aftermath[] = []
    let height = 0
    for (const [run, point] of points.entries()) {
      const acknowledged = await killOnce(child, bench, { point, run })
      const { step } = JSON.parse(readFileSync(report, 'utf8')) as { step: string }
      rmSync(report)
      child = await startNetwork(bench)
      const views = await Promise.all(
        names.map((name) => poll(`what ${name} has`, () => viewOf(bench, name, height))),
      )
      const [first] = views
      height += Math.max(0, (first?.blocks.length ?? 0) - 1)
      found.push({
        ...point,
        step,
        acknowledged: acknowledged.length,
        lost: acknowledged.filter((key) => !views.every(({ keys }) => keys.has(key))).length,
        areEqual: views.every((view) => isSame(view, first)),
      })
    }
    return found
  } finally {
    child?.kill('SIGKILL')
    for (const chaincode of chaincodes) chaincode.kill()
    folder.remove()
  }
}

/** What a peer shows; undefined when it cannot be reached yet. */
async function viewOf(
  { topology, credentials }: Bench,
  organisation: string,
  from: number,
): Promise<PeerView | undefined> {
  const client = await connectClient(topology, credentials, organisation)
  try {
    return await showPeer(client, from)
  } catch (error) {
    // A busy machine may take longer to connect than the SDK waits.
    if ((error as Error).message.includes('is not connected')) return undefined
    throw error
  } finally {
    client.gateway.disconnect()
  }
}

/** Kills the network while it works; gives the keys that were acknowledged until then. */
async function killOnce(
  child: ChildProcess,
  { topology, credentials, report }: Bench,
  { point, run }: { readonly point: KillPoint; readonly run: number },
): Promise<readonly string[]> {
  const client = await connectClient(topology, credentials, 'north')
  const gone = exited(child)
  const stuck = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const { acknowledged, stop } = submitOn(client, run)
  try {
    await poll('something to lose', () => acknowledged.length >= inFlight || undefined, { everyMs: 5 })
    child.send({ type: 'arm', ...point } satisfies Arm)
    await gone
    if (!existsSync(report)) throw new Error(`step ${point.count} was not reached`)
    return [...acknowledged]
  } finally {
    clearTimeout(stuck)
    stop()
    client.gateway.disconnect()
  }
}

/** Steps of commit, each with every way to die; `torn` has a meaning only for writes and is `before` elsewhere. */
export const pointsUpTo = (most: number): KillPoint[] =>
  Array.from({ length: most }, (_, index) => index + 1).flatMap((count) =>
    (['before', 'torn', 'after', 'power'] as const).map((death) => ({ count, death })),
  )

/** The result as a table: by step and death, how often, and what was wrong afterwards. */
export function tableOf(found: readonly Aftermath[]): string {
  const groups = Map.groupBy(found, ({ step, death }) => `${step.padEnd(32)} ${death.padEnd(7)}`)
  const lines = [...groups.keys()].toSorted().map((name) => {
    const rows = groups.get(name) ?? []
    const sum = (value: (row: Aftermath) => number): number =>
      rows.reduce((total, row) => total + value(row), 0)
    const differing = sum(({ areEqual }) => (areEqual ? 0 : 1))
    return `${name} ${rows.length} kills, ${sum(({ acknowledged }) => acknowledged)} acknowledged, ${sum(({ lost }) => lost)} lost, ${differing} with differing peers`
  })
  return [...lines, `${found.length} kill points`].join('\n')
}
