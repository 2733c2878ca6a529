import type { LedgerDatabase } from './database.ts'

/** Numbers in place of the names of spaces (see keys.ts), which would stand in every row. */
export interface Spaces {
  /** Undefined for a space in which nothing has been written. */
  find(name: string): number | undefined
  /** Gives a new space a number, in the transaction that writes in it. */
  numberOf(name: string): number
}

export function openSpaces(database: LedgerDatabase): Spaces {
  database.exec(
    'CREATE TABLE IF NOT EXISTS spaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT',
  )
  const select = database.prepare('SELECT id FROM spaces WHERE name = ?')
  const insert = database.prepare('INSERT INTO spaces (name) VALUES (?)')
  const known = new Map<string, number>()
  // The number of a space that was taken back may become another one's.
  database.onRollback(() => known.clear())

  const find = (name: string): number | undefined => {
    const found = known.get(name) ?? (select.get(name) as { id: number } | undefined)?.id
    if (found !== undefined) known.set(name, found)
    return found
  }
  return {
    find,
    numberOf(name) {
      const found = find(name) ?? Number(insert.run(name).lastInsertRowid)
      known.set(name, found)
      return found
    },
  }
}
