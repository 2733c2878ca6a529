import { check } from 'medledger-chaincode/api'
import { Type } from 'typebox'
import { parseFile, readIfPresent, replaceFile, toText } from '../development/index.ts'

const Journal = Type.Object({ done: Type.Array(Type.String()) }, { additionalProperties: false })

/**
 * What has been done once and need not be done again. Losing it costs time only: everything in it can be repeated
 * without harm.
 */
export interface Journal {
  has(step: string): boolean
  /** Returns when the step is on the disk. */
  add(step: string): Promise<void>
}

/** A damaged journal counts as an empty one, because its steps can be repeated. */
async function read(file: string): Promise<string[]> {
  const text = await readIfPresent(file)
  if (text === undefined) return []
  try {
    return check(Journal, parseFile(file, text), 'journal').done
  } catch {
    return []
  }
}

/** Opens the journal in a file. */
export async function openJournal(file: string): Promise<Journal> {
  const done = new Set(await read(file))
  let writing: Promise<void> = Promise.resolve()
  return {
    has: (step) => done.has(step),
    add(step) {
      done.add(step)
      writing = writing.then(() => replaceFile(file, toText({ done: [...done] })))
      return writing
    },
  }
}
