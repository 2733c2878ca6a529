import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { check } from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import { lockDirectory, type DirectoryLock } from '../network/embedded/lock.ts'
import { parseFile, readIfPresent, replaceFile, toText } from '../development/index.ts'
import { isAlive } from './alive.ts'
import type { Topology } from '../network/topology.ts'
import type { Paths } from './paths.ts'
import { topologies } from './topologies.ts'

/** Raised when what the files look like changes in a way that older ones cannot be read. */
const formatVersion = 2

const Marker = Type.Object(
  {
    format: Type.Integer(),
    topology: Type.Union([Type.Literal('demo'), Type.Literal('narrow')]),
    firstPort: Type.Integer(),
    /** Absent: the embedded one. */
    network: Type.Optional(Type.Literal('docker')),
  },
  { additionalProperties: false },
)

/** What a data directory is for. */
export type Marker = Omit<Static<typeof Marker>, 'format'>

/** The network that a data directory is for. */
export const topologyOf = ({ topology, firstPort, network }: Marker): Topology =>
  topologies[topology](firstPort, network ?? 'embedded')

const lockPatienceMs = 15_000
const lockRetryMs = 100

/** A process that was killed keeps its number until its parent takes note; in a container that may take seconds. */
async function isHolderDead({ root }: Paths): Promise<boolean> {
  const holder = Number.parseInt((await readIfPresent(join(root, 'lock'))) ?? '', 10)
  return Number.isNaN(holder) || !isAlive(holder)
}

const isLock = (name: string): boolean => name === 'lock' || name.startsWith('lock.')

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Errors: one line when the file is damaged or of another format; undefined when there is none. */
export async function readMarker({ marker }: Paths): Promise<Marker | undefined> {
  const text = await readIfPresent(marker)
  if (text === undefined) return undefined
  const { format, ...rest } = checkMarker(marker, parseFile(marker, text))
  if (format !== formatVersion)
    throw new Error(`${marker} is of format ${format}, and this version reads format ${formatVersion}.`)
  return rest
}

function checkMarker(file: string, value: unknown): Static<typeof Marker> {
  try {
    return check(Marker, value, 'marker')
  } catch {
    throw new Error(`${file} is damaged. Begin anew with --reset.`)
  }
}

export const writeMarker = ({ marker }: Paths, value: Marker): Promise<void> =>
  replaceFile(marker, toText({ format: formatVersion, ...value }))

/**
 * Takes a data directory for this process, making it when it does not exist. Files of somebody else are never touched.
 * Errors: one line when the directory holds something else, or when another instance runs on it.
 */
export async function takeDirectory(paths: Paths): Promise<DirectoryLock> {
  const names = (await namesIn(paths.root)).filter((name) => !isLock(name))
  if (names.length > 0 && (await readIfPresent(paths.marker)) === undefined)
    throw new Error(
      `${paths.root} is not empty and not a Medledger data directory: name another one with --data.`,
    )
  await mkdir(paths.root, { recursive: true, mode: 0o700 })
  const deadline = performance.now() + lockPatienceMs
  for (;;) {
    try {
      return lockDirectory(paths.root)
    } catch (error) {
      if (performance.now() < deadline && (await isHolderDead(paths))) {
        await pause(lockRetryMs)
        continue
      }
      throw new Error(
        `An instance runs already: ${(error as Error).message}. Stop it (medledger stop), or use another --data.`,
        { cause: error },
      )
    }
  }
}

/** Deletes all that a taken directory holds, except the lock. */
export async function resetDirectory({ root }: Paths): Promise<void> {
  const names = (await namesIn(root)).filter((name) => !isLock(name))
  await Promise.all(names.map((name) => rm(join(root, name), { recursive: true, force: true })))
}
