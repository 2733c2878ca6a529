import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A directory that this process holds alone. */
export interface DirectoryLock {
  release(): void
}

const held = new Set<string>()

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/**
 * When a process began, where the system tells it: a pid alone may have been given to another process since. One that
 * has ended and only waits for its parent to notice holds nothing any more.
 */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Fields are counted from behind the name, which may itself hold blanks; the start time is the 22nd of all.
    const [state = '', ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? 'ended' : (fields[18] ?? '')
  } catch {
    return ''
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const isHolder = (pid: number, start: string): boolean =>
  pid !== process.pid && isAlive(pid) && startOf(pid) === start

function readOwner(file: string): { pid: number; start: string } | undefined {
  try {
    const [pid = '', start = ''] = readFileSync(file, 'utf8').trim().split(' ')
    return { pid: Number(pid), start }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Linking fails when the name is taken, and the file is whole from its first moment. */
function tryTake(file: string, own: string): boolean {
  try {
    linkSync(own, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Moves a dead process's lock aside; another process may have been faster, and its lock is put back. */
function removeDead(file: string, aside: string): void {
  try {
    renameSync(file, aside)
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  const owner = readOwner(aside)
  if (owner !== undefined && isHolder(owner.pid, owner.start)) tryTake(file, aside)
  rmSync(aside, { force: true })
}

/**
 * Takes the directory for this process; a lock left by a process that died is taken over.
 * Errors: Error naming the process that has it.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const file = join(directory, 'lock')
  const own = join(directory, `lock.${process.pid}`)
  writeFileSync(own, `${process.pid} ${startOf(process.pid)}\n`, { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (!held.has(file) && tryTake(file, own)) {
        held.add(file)
        return {
          release() {
            held.delete(file)
            rmSync(file, { force: true })
          },
        }
      }
      const owner = readOwner(file)
      if (held.has(file) || (owner !== undefined && isHolder(owner.pid, owner.start)))
        throw new Error(`${directory} is in use by process ${owner?.pid ?? process.pid}`)
      removeDead(file, `${own}.dead`)
    }
  } finally {
    rmSync(own, { force: true })
  }
  throw new Error(`${directory} cannot be locked: other processes keep taking it`)
}
