import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { issueCredentials } from '../../../scripts/network/issue.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'
import { poll } from '../../support/poll.ts'
import { toTable } from '../report.ts'
import { makeLedgers, type MadeLedgers } from './make.ts'
import type { OpenedPeer } from './open-peer.ts'

/** What a start on ledgers of many transactions takes, each in a fresh process. */
export interface StartUp {
  readonly made: MadeLedgers
  readonly peer: OpenedPeer
  /** All peers and the orderer, from the start of the process until they listen. */
  readonly network: { readonly listeningMs: number; readonly rssBytes: number; readonly peakRssBytes: number }
}

const openPeer = fileURLToPath(new URL('open-peer.ts', import.meta.url))
const networkMain = fileURLToPath(new URL('../../../scripts/network/embedded/main.ts', import.meta.url))
const deadlineMs = 600_000

/** Resolves with the first message that fits. Errors: when the process ends before. */
async function messageOf<Message>(
  child: ChildProcess,
  fits: (message: Message) => boolean,
): Promise<Message> {
  let found: Message | undefined
  child.on('message', (message: Message) => {
    if (fits(message)) found ??= message
  })
  return poll(
    'a process to have started',
    () => {
      if (found === undefined && child.exitCode !== null)
        throw new Error(`it ended with code ${child.exitCode}`)
      return found
    },
    { deadlineMs, everyMs: 5 },
  )
}

/** Kibibytes in /proc/<pid>/status, as bytes. */
function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function startNetwork(settings: string): Promise<StartUp['network']> {
  const began = performance.now()
  const child = fork(networkMain, [settings], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] })
  try {
    await messageOf<{ type: string }>(child, ({ type }) => type === 'listening')
    const listeningMs = performance.now() - began
    const { pid = 0 } = child
    return { listeningMs, rssBytes: memoryOf(pid, 'VmRSS'), peakRssBytes: memoryOf(pid, 'VmHWM') }
  } finally {
    await stop(child)
  }
}

async function startPeer(settings: string): Promise<OpenedPeer> {
  const child = fork(openPeer, [settings], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] })
  try {
    return await messageOf<OpenedPeer>(child, () => true)
  } finally {
    await stop(child)
  }
}

/** Makes ledgers of so many transactions in the folder, and starts on them. */
export async function measureStartUp(
  folder: string,
  firstPort: number,
  transactions: number,
  say: (line: string) => void,
): Promise<StartUp> {
  const topology = demoTopology(firstPort)
  const credentialsDirectory = join(folder, 'credentials')
  const credentials = await issueCredentials(topology, credentialsDirectory)
  const directory = join(folder, 'ledger')
  const made = await makeLedgers({ topology, credentials, directory, transactions, say })
  const settings = join(folder, 'settings.json')
  writeFileSync(settings, JSON.stringify({ topology, credentialsDirectory, directory }))
  say('starting on them')
  return { made, peer: await startPeer(settings), network: await startNetwork(settings) }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

export function renderStartUp({ made, peer, network }: StartUp): string {
  const figures = toTable([
    ['start-up', ''],
    ['transactions, blocks', `${made.transactions}, ${made.blocks}`],
    ['made in', `${made.seconds.toFixed(0)} s`],
    ['blocks of a peer', mebibytes(made.blockBytes)],
    ['database of a peer', mebibytes(made.databaseBytes)],
    ['a peer’s ledger opens in', seconds(peer.openMs)],
    ['its process has (RSS)', mebibytes(peer.rssBytes)],
    [`after ${peer.readings} readings`, mebibytes(peer.readRssBytes)],
    ['three peers and the orderer listen after', seconds(network.listeningMs)],
    ['their process has (RSS)', `${mebibytes(network.rssBytes)}, at most ${mebibytes(network.peakRssBytes)}`],
  ])
  const commits = toTable([
    ['transactions in a block', 'commit, ms for one', 'CPU ms for one'],
    ...made.commits.map(({ blockSize, wallMs, cpuMs }) => [
      String(blockSize),
      wallMs.toFixed(2),
      cpuMs.toFixed(2),
    ]),
  ])
  return `${figures}\n\n${commits}`
}
