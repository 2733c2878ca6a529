import type { FullBlock, LedgerTransport, UnreadableBlock } from '../ledger/index.ts'
import type { Log } from '../log.ts'
import type { Projection } from '../store/index.ts'
import { reconcile } from './reconcile.ts'
import { countMissing, projectBlock, readProgress, type Progress } from './tables.ts'

/**
 * Why nothing is projected any more: the peer sends another block than the next one; a block that does not follow the one
 * before; one whose data are not its own; or one that cannot be read.
 */
export type ProjectionFault = 'gap' | 'fork' | UnreadableBlock['fault']

/** The projection has stopped. Its message and fields say why and what to do. */
class ProjectionStopped extends Error {
  override readonly name = 'ProjectionStopped'
}

export interface KeptProjection {
  /** How many blocks are in the tables, and why there will be no more. */
  state(): { readonly blocks: number; readonly fault: ProjectionFault | undefined }
  /** Whether this block is in the tables, now or within this time. */
  reaches(block: number, withinMs: number): Promise<boolean>
  /** How many current values the own peer has not had yet. */
  missing(): Promise<number>
  stop(): void
}

export interface ProjectionSources {
  /** Prepared (`prepareProjection`). */
  readonly database: Projection
  readonly transport: Pick<LedgerTransport, 'followFull' | 'readFull'>
  /** The collections whose values the own organisation may know. */
  readonly members: ReadonlySet<string>
  readonly log: Pick<Log, 'event' | 'fault'>
  /** Called once when the projection stops for good. */
  readonly onStopped?: () => void
  /** How often missing values are asked for; a peer has them within about a minute. */
  readonly reconcileEveryMs?: number
}

/**
 * Follows the own peer's full blocks into the tables, and asks again for values that were missing. What a peer can only send
 * when it, or its chain, is not what it was stops this for good: see {@link ProjectionFault}.
 */
export async function keepProjection(sources: ProjectionSources): Promise<KeptProjection> {
  const { database, transport, members, log, onStopped, reconcileEveryMs = 5000 } = sources
  const waiters = new Set<() => void>()
  let progress: Progress = await readProgress(database)
  let fault: ProjectionFault | undefined
  let stopFollowing = (): void => {}

  const advance = (to: Progress): void => {
    progress = to
    for (const waiter of waiters) waiter()
  }
  const halt = (block: number, reason: ProjectionFault): void => {
    fault = reason
    stopFollowing()
    const error = new ProjectionStopped('The projection has stopped: compare the peers, then make it anew.')
    log.fault('projection', error, { reason, block: String(block) })
    for (const waiter of waiters) waiter()
    onStopped?.()
  }
  const follow = async (): Promise<void> => {
    // From the newest one that it has, to learn at once when the peer has another one there.
    stopFollowing = await transport.followFull(Math.max(0, progress.blocks - 1), receive)
  }
  /** Another gateway of this organisation has projected the block before, or begun anew. */
  const overtaken = async (block: FullBlock): Promise<void> => {
    const now = await readProgress(database)
    if (now.blocks === block.number + 1 && now.hash !== block.hash) halt(block.number, 'fork')
    else advance(now)
    if (now.blocks > block.number) return
    stopFollowing()
    await follow()
  }
  const receive = async (block: FullBlock | UnreadableBlock): Promise<void> => {
    if (fault !== undefined) return
    const found = faultOf(block, progress)
    if (found !== undefined) halt(block.number, found)
    else if ('fault' in block || block.number < progress.blocks) return
    else if (await projectBlock(database, block, members))
      advance({ blocks: block.number + 1, hash: block.hash })
    else await overtaken(block)
  }

  await follow()
  const stopReconciling = reconcile({ database, transport, log, everyMs: reconcileEveryMs })
  return {
    state: () => ({ blocks: progress.blocks, fault }),
    missing: () => countMissing(database),
    reaches: (block, withinMs) =>
      new Promise((resolve) => {
        const look = (isLate = false): void => {
          const isThere = block < progress.blocks
          if (!isThere && !isLate && fault === undefined) return
          clearTimeout(timer)
          waiters.delete(look)
          resolve(isThere && fault === undefined)
        }
        const timer = setTimeout(look, withinMs, true)
        waiters.add(look)
        look()
      }),
    stop() {
      stopFollowing()
      stopReconciling()
    },
  }
}

/** What is wrong with a block at this height. Blocks before the newest have been looked at. */
function faultOf(
  block: FullBlock | UnreadableBlock,
  { blocks, hash }: Progress,
): ProjectionFault | undefined {
  if (block.number > blocks) return 'gap'
  if (block.number < blocks - 1) return undefined
  if ('fault' in block) return block.fault
  if (blocks === 0) return undefined
  const said = block.number === blocks ? block.previousHash : block.hash
  return said === hash ? undefined : 'fork'
}
