import { closeSync, constants, fdatasync, fstatSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { checkVersion, formatVersion, syncDirectory } from './record-file.ts'

/**
 * What a ledger knows of its blocks, in one SQLite file beside them. Commits are whole and in order, but on the disk only
 * after the next {@link LedgerDatabase.sync}: until then a failing machine may take the last ones back, and whoever opens
 * the ledger makes them again from the blocks.
 */
export interface LedgerDatabase {
  readonly exec: (sql: string) => void
  readonly prepare: (sql: string) => StatementSync
  /** Runs an action whose changes are made together or, when it throws, not at all; it may contain others. */
  inTransaction<Value>(action: () => Value): Value
  /** Calls back when a transaction's changes were taken back. */
  readonly onRollback: (listener: () => void) => void
  /** Resolves when all that was committed before is on the disk. */
  sync(): Promise<void>
  /** Keeps the log of commits from growing; {@link sync} does so as well. */
  trim(): void
  /** Brings all that was committed into the file itself, on the disk; what was overwritten is in no file any more. */
  settle(): void
  close(): void
}

/** `MEDL`: a database of something else is refused. */
const applicationId = 0x4d45444c

/** The log of commits grows to about this before it is brought into the file: SQLite's own default. */
const logBytes = 4 * 1024 * 1024

const cacheKibibytes = 8 * 1024

const syncData = promisify(fdatasync)

/*
 * A commit does not wait for the disk, which would hold up the whole process: sync() does so in another thread. The log
 * is brought into the file by settle() alone.
 */
const settings = [
  'journal_mode = WAL',
  'synchronous = NORMAL',
  'wal_autocheckpoint = 0',
  'secure_delete = ON',
  `cache_size = -${cacheKibibytes}`,
]

/** What the log holds is synchronised first, then the file, and then the log is empty. */
const intoFile = 'PRAGMA wal_checkpoint(TRUNCATE)'

const numberOf = (database: DatabaseSync, pragma: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])

/** Errors: when the file is of another program or version. */
function prepareFile(database: DatabaseSync, path: string): void {
  // There is one connection only, so that the index of the log need not lie in shared memory.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  const isNew = numberOf(database, 'schema_version') === 0
  if (!isNew && numberOf(database, 'application_id') !== applicationId)
    throw new Error(`${path} is not a database of this ledger`)
  if (!isNew) checkVersion(path, numberOf(database, 'user_version'))
  for (const setting of settings) database.exec(`PRAGMA ${setting}`)
  if (isNew) {
    database.exec(`PRAGMA application_id = ${applicationId}`)
    database.exec(`PRAGMA user_version = ${formatVersion}`)
  }
  // With what the last process left in the log.
  database.exec(intoFile)
}

/** The file, with the log as it lies on the disk. Errors: when it cannot be used. */
function openFile(path: string): { readonly database: DatabaseSync; readonly log: number } {
  // SQLite gives its log the mode of the file, and would make both readable for everybody.
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600))
  const database = new DatabaseSync(path)
  try {
    prepareFile(database, path)
    const log = openSync(`${path}-wal`, constants.O_RDWR)
    syncDirectory(path)
    return { database, log }
  } catch (error) {
    database.close()
    const { message } = error as Error
    throw message.startsWith(path) ? error : new Error(`${path} cannot be used: ${message}`, { cause: error })
  }
}

/** Opens the database, or creates it. Errors: when it is damaged, or of another program or version. */
export function openDatabase(path: string): LedgerDatabase {
  const { database, log } = openFile(path)
  const listeners: Array<() => void> = []
  let isOpen = true
  const settle = (): void => {
    database.exec(intoFile)
    if (fstatSync(log).size > 0) throw new Error(`${path} cannot be written`)
  }
  const trim = (): void => {
    if (fstatSync(log).size > logBytes) settle()
  }

  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => database.prepare(sql),
    inTransaction(action) {
      if (database.isTransaction) return action()
      database.exec('BEGIN IMMEDIATE')
      try {
        const value = action()
        database.exec('COMMIT')
        return value
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        for (const listener of listeners) listener()
        throw error
      }
    },
    onRollback: (listener) => void listeners.push(listener),
    async sync() {
      if (!isOpen) throw new Error(`${path} is closed`)
      await syncData(log)
      if (isOpen) trim()
    },
    trim,
    settle,
    close() {
      if (!isOpen) return
      isOpen = false
      closeSync(log)
      database.close()
    },
  }
}
