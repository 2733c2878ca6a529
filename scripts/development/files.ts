import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The text of a file, or undefined when there is none. */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Replaces a file so that a reader, or a crash, sees the old text or the new one and nothing between. Only the owner
 * can read it.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Writes a file that must never be overwritten, such as a key; what is there already stays and is returned. */
export async function writeOnce(file: string, create: () => string | Promise<string>): Promise<string> {
  const present = await readIfPresent(file)
  if (present !== undefined) return present
  const text = await create()
  await writeNew(file, text)
  return text
}

/** The same of a file that is no text. */
export async function writeBytesOnce(file: string, create: () => Uint8Array): Promise<void> {
  if ((await readIfPresent(file)) === undefined) await writeNew(file, create())
}

/** It appears whole or not at all: what is cut short could not be told from what was meant. */
async function writeNew(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // Fails when somebody else was quicker, where a rename would overwrite.
    await link(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
}

/**
 * The value of a JSON file that one of our own programs wrote.
 * Errors: one line with the file's name when it is damaged.
 */
export function parseFile(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${file} is damaged: it is not JSON. Restore it, or begin anew with --reset.`)
  }
}

export const toText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
