import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/*
 * The embedded network as a process that dies at a chosen step of writing its ledgers: `killed-network.ts <settings.json>
 * <report> <directory>`. Until its parent arms it, it is `main.ts` and nothing else. It counts what reaches the files
 * in the directory, tells in the report at which step it dies, and kills itself there.
 */

/** How it dies at a step: before it, half-way through a write, after it, or losing all that was not synchronised. */
export type Death = 'before' | 'torn' | 'after' | 'power'

export interface Arm {
  readonly type: 'arm'
  /** Which step from now on, from 1. */
  readonly count: number
  readonly death: Death
}

const [, , , report = '', directory = ''] = process.argv
const { openSync, closeSync, writevSync, ftruncateSync, fdatasync, fdatasyncSync, writeFileSync } = fs

interface Tracked {
  readonly path: string
  written: number
  synchronised: number
}

const files = new Map<number, Tracked>()

/*
 * SQLite writes by itself, and only a commit or a checkpoint of it can be told apart. Between two checkpoints, which leave
 * it empty, its log only grows, so that what was not synchronised is the end of it, as with the other files.
 */
const logEnding = '-wal'

/** How long a file is; what SQLite writes is seen in the file alone. */
const sizeOf = (descriptor: number, { path, written }: Tracked): number =>
  path.endsWith(logEnding) ? fs.fstatSync(descriptor).size : written
let armed: Arm | undefined
let count = 0

process.on('message', (message: Arm) => {
  if (message.type === 'arm') armed = message
})

function die(step: string, { path }: Tracked): never {
  const name = join(basename(dirname(path)), basename(path))
  writeFileSync(report, JSON.stringify({ step: `${step} ${relative('.', name)}`, death: armed?.death }))
  process.kill(process.pid, 'SIGKILL')
  // The signal may take a moment, in which nothing more must happen.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function loseUnsynchronised(): void {
  for (const [descriptor, file] of files)
    if (file.synchronised < sizeOf(descriptor, file)) ftruncateSync(descriptor, file.synchronised)
}

/** Whether this step is the one after whose doing the process dies; before it, it may die at once. */
function isLast(step: string, descriptor: number, tear: () => void): boolean {
  const file = files.get(descriptor)
  if (armed === undefined || file === undefined) return false
  count += 1
  if (count < armed.count) return false
  if (armed.death === 'power') loseUnsynchronised()
  if (armed.death === 'torn') tear()
  if (armed.death !== 'after') die(step, file)
  return true
}

function dieAfter(step: string, descriptor: number): void {
  const file = files.get(descriptor)
  if (file !== undefined) die(step, file)
}

fs.openSync = ((path: fs.PathLike, flags: fs.OpenMode, mode?: fs.Mode) => {
  const descriptor = openSync(path, flags, mode)
  if (String(path).startsWith(directory) && flags !== 'r') {
    const { size } = fs.fstatSync(descriptor)
    files.set(descriptor, { path: String(path), written: size, synchronised: size })
  }
  return descriptor
}) as typeof fs.openSync

fs.closeSync = (descriptor) => {
  files.delete(descriptor)
  closeSync(descriptor)
}

fs.writevSync = (descriptor, buffers, position) => {
  const content = Buffer.concat(
    buffers.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  )
  const half = (): void => void writevSync(descriptor, [content.subarray(0, content.length >> 1)], position)
  const last = isLast('write', descriptor, half)
  const written = writevSync(descriptor, buffers, position)
  const file = files.get(descriptor)
  if (file !== undefined) file.written = Math.max(file.written, (position ?? 0) + written)
  if (last) dieAfter('write', descriptor)
  return written
}

fs.ftruncateSync = (descriptor, length = 0) => {
  const last = isLast('truncate', descriptor, () => undefined)
  ftruncateSync(descriptor, length)
  const file = files.get(descriptor)
  if (file !== undefined) Object.assign(file, { written: length, synchronised: length })
  if (last) dieAfter('truncate', descriptor)
}

fs.fdatasync = ((descriptor: number, callback: fs.NoParamCallback) => {
  const last = isLast('sync', descriptor, () => undefined)
  const file = files.get(descriptor)
  const written = file === undefined ? 0 : sizeOf(descriptor, file)
  fdatasync(descriptor, (error) => {
    if (file !== undefined) file.synchronised = Math.max(file.synchronised, written)
    if (last) dieAfter('sync', descriptor)
    callback(error)
  })
}) as typeof fs.fdatasync

fs.fdatasyncSync = (descriptor) => {
  fdatasyncSync(descriptor)
  const file = files.get(descriptor)
  if (file !== undefined) file.synchronised = sizeOf(descriptor, file)
}

const database: { exec: (this: DatabaseSync, sql: string) => void } = DatabaseSync.prototype
const { exec } = database

database.exec = function execute(sql) {
  const log = [...files].find(([, { path }]) => path === `${this.location() ?? ''}${logEnding}`)
  const isCheckpoint = sql.startsWith('PRAGMA wal_checkpoint')
  if (log === undefined || (sql !== 'COMMIT' && !isCheckpoint)) {
    exec.call(this, sql)
    return
  }
  const [descriptor, file] = log
  const step = isCheckpoint ? 'checkpoint' : 'commit'
  const half = (): void => {
    const before = sizeOf(descriptor, file)
    exec.call(this, sql)
    if (!isCheckpoint) ftruncateSync(descriptor, (before + sizeOf(descriptor, file)) >> 1)
  }
  const last = isLast(step, descriptor, half)
  exec.call(this, sql)
  // It is empty then, and what was in it is synchronised in the database itself.
  if (isCheckpoint) file.synchronised = 0
  if (last) dieAfter(step, descriptor)
}

syncBuiltinESMExports()
await import('../../scripts/network/embedded/main.ts')
