import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { cp, mkdir, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { check } from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import { parseFile, readIfPresent, replaceFile, toText } from '../../development/index.ts'
import { databases, databaseUser } from '../../network/docker/container-files.ts'
import { docker, dockerWithFile } from '../../network/docker/compose.ts'
import type { Topology } from '../../network/topology.ts'
import { waitUntil } from '../wait.ts'
import type { DockerNetwork } from './open.ts'
import { inspectNodes, waitForGateways, type Progress } from './steps.ts'

/*
 * A backup of a whole network, taken while nothing is submitted: what the ledgers, the databases and the data directory say
 * belongs together. It is a folder:
 *
 *   backup.json              what it is of, and the SHA-256 of every other file
 *   state/                   the data directory: certificates, keys, settings, people
 *   ledgers/<node>.tar       what a peer or an orderer keeps
 *   databases/<org>.dump     an organisation's database (pg_dump, custom format)
 *   keys/<org>.dump          the patients' keys: to be kept apart, so that destroying a key destroys the content
 */

const formatVersion = 1

const Manifest = Type.Object(
  {
    format: Type.Literal(formatVersion),
    /** ISO 8601, UTC. */
    taken: Type.String(),
    /** How many blocks each organisation's peer had. */
    heights: Type.Record(Type.String(), Type.Integer({ minimum: 1 })),
    /** SHA-256 of each file by its path, in hexadecimal. */
    files: Type.Record(Type.String(), Type.String({ pattern: '^[0-9a-f]{64}$' })),
  },
  { additionalProperties: false },
)
export type Manifest = Static<typeof Manifest>

export const manifestFile = 'backup.json'
const production = '/var/hyperledger/production'

const namesIn = ({ constitution }: Topology): string[] => constitution.organisations.map(({ name }) => name)

/** The nodes whose ledgers are kept: `peer-north`. */
export const nodesIn = (topology: Topology): string[] => [
  ...topology.orderers.map((name) => `orderer-${name}`),
  ...namesIn(topology).map((name) => `peer-${name}`),
]

/** Where an organisation's two databases go, with their names on the server. */
export const dumpsIn = (topology: Topology): { name: string; database: string; file: string }[] =>
  namesIn(topology).flatMap((name) => [
    { name, database: databases.main, file: join('databases', `${name}.dump`) },
    { name, database: databases.keys, file: join('keys', `${name}.dump`) },
  ])

export const ledgerFile = (node: string): string => join('ledgers', `${node}.tar`)

/** What of the data directory is made anew from the rest. */
const derived: ReadonlySet<string> = new Set(['containers', 'instance.json', 'compose.env', 'lock', 'logs'])

export const isKept = (root: string, path: string): boolean =>
  path === root ||
  !derived.has(
    path
      .slice(root.length + 1)
      .split('/')[0]
      ?.replace(/^lock\..*/, 'lock') ?? '',
  )

/** Runs `tar` over what a container's volume holds: the program of another image, since the node's own may have none. */
export const tarArgs = (container: string, ...options: readonly string[]): string[] => [
  'run',
  '--rm',
  '--interactive',
  '--network=none',
  '--user=0:0',
  '--volumes-from',
  container,
  'medledger-gateway:local',
  'tar',
  '--directory',
  production,
  ...options,
]

/**
 * Takes a backup into a new folder. Gateways, peers and orderers are stopped meanwhile and started again, whatever happens.
 * Errors: one line; an unfinished backup has no `backup.json`.
 */
export async function backUp(
  network: DockerNetwork,
  directory: string,
  progress: Progress,
): Promise<Manifest> {
  const { topology, compose } = network
  await requireNew(directory)
  const heights = await heightsOf(network)
  const gateways = namesIn(topology).map((name) => `gateway-${name}`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  try {
    progress('stopping the gateways')
    await compose.run(['stop', ...gateways])
    await dumpDatabases(network, directory, progress)
    progress('stopping peers and orderers')
    await compose.run(['stop', ...nodesIn(topology)])
    await mkdir(join(directory, 'ledgers'), { mode: 0o700 })
    for (const node of nodesIn(topology)) {
      const file = join(directory, ledgerFile(node))
      await dockerWithFile(tarArgs(await compose.container(node), '--create', '.'), { to: file })
      progress(`${basename(file)} is written`)
    }
  } finally {
    progress('starting everything again')
    await compose.run(['start', ...nodesIn(topology), ...gateways])
  }
  const { root } = network.paths
  await cp(root, join(directory, 'state'), {
    recursive: true,
    filter: (path) => isKept(root, path) && !path.endsWith('.sock'),
  })
  await waitForGateways(network)
  const manifest = {
    format: formatVersion,
    taken: new Date().toISOString(),
    heights,
    files: await digestsIn(directory),
  } satisfies Manifest
  await replaceFile(join(directory, manifestFile), toText(manifest))
  return manifest
}

async function requireNew(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  if (names.length > 0) throw new Error(`${directory} is not empty: name a new folder for the backup.`)
}

async function heightsOf(network: DockerNetwork): Promise<Record<string, number>> {
  const nodes = await inspectNodes(network)
  return Object.fromEntries(
    nodes.map(({ organisation, peer }) => {
      if ('fault' in peer) throw new Error(`The peer of ${organisation} does not answer: ${peer.fault}`)
      return [organisation, peer.height] as const
    }),
  )
}

/** What gateways make anew from the blocks: a backup would keep what is deleted or purged on the ledger. */
const projected = ['projected', 'private_values', 'missing_values', 'public_values'] as const

async function dumpDatabases(
  { topology, compose }: DockerNetwork,
  directory: string,
  progress: Progress,
): Promise<void> {
  for (const { name, database, file } of dumpsIn(topology)) {
    const container = await compose.container(`database-${name}`)
    const without = projected.map((table) => `--exclude-table-data=${table}`)
    const dump = ['exec', container, 'pg_dump', '--format=custom', ...without]
    await mkdir(join(directory, file, '..'), { recursive: true, mode: 0o700 })
    await dockerWithFile([...dump, `--username=${databaseUser}`, database], { to: join(directory, file) })
    progress(`${file} is written`)
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/**
 * The digest of every file in a folder but the manifest, by its path. Errors: one line that names what is neither file nor folder:
 * a link would be followed when the backup is restored.
 */
async function digestsIn(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const odd = entries.find((entry) => !entry.isFile() && !entry.isDirectory())
  if (odd !== undefined)
    throw new Error(`${join(odd.parentPath, odd.name)} is neither a file nor a folder: no backup has such.`)
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((file) => file !== manifestFile)
    .toSorted()
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await digestOf(join(directory, file))] as const)),
  )
}

/** Reads a backup and checks every file of it. Errors: one line that says what is missing or altered. */
export async function readBackup(directory: string): Promise<Manifest> {
  const file = join(directory, manifestFile)
  const text = await readIfPresent(file)
  if (text === undefined) throw new Error(`${directory} is no finished backup: it has no ${manifestFile}.`)
  const manifest = check(Manifest, parseFile(file, text), 'backup')
  const found = await digestsIn(directory)
  const names = new Set([...Object.keys(manifest.files), ...Object.keys(found)])
  const altered = [...names].find((name) => manifest.files[name] !== found[name])
  if (altered !== undefined)
    throw new Error(`The backup is damaged: ${altered} is missing, added or altered. Use another one.`)
  return manifest
}

const readyMs = 60_000
const pollMs = 500

/** Fills a new network's volumes and databases from a backup; its containers have been made and do not run. */
export async function fillFrom(network: DockerNetwork, directory: string, progress: Progress): Promise<void> {
  const { topology, compose } = network
  for (const node of nodesIn(topology)) {
    const file = join(directory, ledgerFile(node))
    await dockerWithFile(tarArgs(await compose.container(node), '--extract'), { from: file })
    progress(`${node} has its ledger again`)
  }
  await compose.run(['up', '--detach', '--no-build', ...namesIn(topology).map((name) => `database-${name}`)])
  for (const { name, database, file } of dumpsIn(topology)) {
    const container = await compose.container(`database-${name}`)
    // While it initialises itself it answers at its socket only, and is stopped once more.
    const asked = ['exec', container, 'pg_isready', '--host=127.0.0.1', `--username=${databaseUser}`]
    const answers = (): Promise<boolean> =>
      docker(asked).then(
        () => true,
        () => false,
      )
    await waitUntil(`The database of ${name} answering`, answers, { timeoutMs: readyMs, intervalMs: pollMs })
    const restore = [
      'exec',
      '--interactive',
      container,
      'pg_restore',
      '--exit-on-error',
      '--single-transaction',
    ]
    await dockerWithFile([...restore, `--username=${databaseUser}`, `--dbname=${database}`], {
      from: join(directory, file),
    })
    progress(`${database} of ${name} is restored`)
  }
}

/** Errors: when a peer has fewer blocks than the backup says. */
export async function requireHeights(network: DockerNetwork, { heights }: Manifest): Promise<void> {
  const found = await heightsOf(network)
  const short = Object.entries(heights).find(([name, height]) => (found[name] ?? 0) < height)
  if (short === undefined) return
  const [name, height] = short
  throw new Error(`The peer of ${name} has ${found[name] ?? 0} blocks, and the backup had ${height}.`)
}
