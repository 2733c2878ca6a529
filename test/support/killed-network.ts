import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'

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
  for (const [descriptor, { written, synchronised }] of files)
    if (synchronised < written) ftruncateSync(descriptor, synchronised)
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
  const { written = 0 } = file ?? {}
  fdatasync(descriptor, (error) => {
    if (file !== undefined) file.synchronised = Math.max(file.synchronised, written)
    if (last) dieAfter('sync', descriptor)
    callback(error)
  })
}) as typeof fs.fdatasync

fs.fdatasyncSync = (descriptor) => {
  fdatasyncSync(descriptor)
  const file = files.get(descriptor)
  if (file !== undefined) file.synchronised = file.written
}

syncBuiltinESMExports()
await import('../../scripts/network/embedded/main.ts')
