import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { SqliteDialect, type SqliteDatabase } from 'kysely'

/**
 * Kysely's SQLite dialect over Node's own `node:sqlite`. `file` is a path or `:memory:`.
 * Write-ahead logging with full synchronisation: what a query answered is on the disk. With `isReproducible` the last
 * commits may be lost, whole, when the machine fails: for what can be made anew, and must not make anybody wait.
 */
export function sqliteDialect(file: string, { isReproducible = false } = {}): SqliteDialect {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(`PRAGMA synchronous = ${isReproducible ? 'NORMAL' : 'FULL'}`)
  database.exec('PRAGMA busy_timeout = 2000')
  // What was deleted, or purged from the ledger, is overwritten.
  database.exec('PRAGMA secure_delete = ON')
  return new SqliteDialect({ database: adapt(database) })
}

/** Kysely expects the calls of better-sqlite3: parameters as one list, and a flag for statements that give rows. */
function adapt(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql)
      const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...values(parameters)),
        run: (parameters) => statement.run(...values(parameters)),
        iterate: (parameters) => statement.iterate(...values(parameters)),
      }
    },
  }
}
