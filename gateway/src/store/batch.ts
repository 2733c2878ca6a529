import type { Transaction } from 'kysely'
import type { Database } from './open.ts'
import type { Schema } from './schema.ts'
import { inTransaction } from './transaction.ts'

/** Runs an action inside a transaction of the database, again if need be; resolves when it is on the disk. */
export type Batch = <Value>(action: (transaction: Transaction<Schema>) => Promise<Value>) => Promise<Value>

interface Waiting {
  readonly run: (transaction: Transaction<Schema>) => Promise<void>
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Commits together what is written at the same time: many requests then wait for one synchronisation of the disk
 * instead of one each. An action that fails takes with it those that were written with it.
 */
export function createBatch(database: Database): Batch {
  let waiting: Waiting[] = []
  let isRunning = false

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const actions = waiting
      waiting = []
      try {
        await inTransaction(database, async (transaction) => {
          for (const { run } of actions) await run(transaction)
        })
        for (const { done } of actions) done()
      } catch (error) {
        for (const { failed } of actions) failed(error)
      }
    }
    isRunning = false
  }

  return (action) =>
    new Promise((resolve, reject) => {
      let result: Awaited<ReturnType<typeof action>>
      waiting.push({
        run: async (transaction) => {
          result = await action(transaction)
        },
        done: () => resolve(result),
        failed: reject,
      })
      if (isRunning) return
      isRunning = true
      // Once the current turn is over, so that all that it writes goes together.
      setImmediate(() => void flush())
    })
}
