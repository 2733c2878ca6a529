import { MedledgerError, sha256Hex } from 'medledger-chaincode/api'
import { GatewayError } from '../error.ts'
import type { LedgerClient } from '../ledger/index.ts'
import type { Database } from '../store/index.ts'

/** The custodian's account of what it has released, until the ledger has it too. */
export interface ReleaseRecords {
  /**
   * Notes, before the answer leaves, what it releases, be it nothing: once only, whatever happens afterwards.
   * Errors: ALREADY_RELEASED.
   */
  claim(entry: string, documents: readonly string[]): Promise<void>
  /** Writes release entries for all that have none yet. Called after each release, at the start, and now and then. */
  settle(): Promise<void>
}

interface Sources {
  readonly database: Database
  readonly client: Pick<LedgerClient, 'submit'>
  readonly custodian: string
  readonly log: (event: string, fields: Readonly<Record<string, string>>) => void
}

export function keepReleases({ database, client, custodian, log }: Sources): ReleaseRecords {
  let settling: Promise<void> | undefined

  const settleAll = async (): Promise<void> => {
    const rows = await database
      .selectFrom('releases')
      .select(['entry', 'documents'])
      .where('recorded', '=', 0)
      .execute()
    for (const { entry, documents } of rows) {
      try {
        await record(entry, JSON.parse(documents) as string[])
        await database.updateTable('releases').set({ recorded: 1 }).where('entry', '=', entry).execute()
      } catch (error) {
        log('release.unrecorded', { entry, code: error instanceof MedledgerError ? error.code : 'INTERNAL' })
      }
    }
  }

  const record = async (access: string, documents: string[]): Promise<void> => {
    try {
      await client.submit('RecordRelease', { custodian, access, documents }, { retry: requestOf(access) })
    } catch (error) {
      // An earlier try got through after all: the request id derives from the access, so it is the same entry.
      if (!(error instanceof MedledgerError && error.code === 'DUPLICATE_REQUEST')) throw error
    }
  }

  return {
    async claim(entry, documents) {
      const { numInsertedOrUpdatedRows } = await database
        .insertInto('releases')
        .values({ entry, documents: JSON.stringify(documents), recorded: 0 })
        .onConflict((conflict) => conflict.column('entry').doNothing())
        .executeTakeFirstOrThrow()
      if (Number(numInsertedOrUpdatedRows ?? 0) === 0) {
        throw new GatewayError(
          'ALREADY_RELEASED',
          'This access has been answered: request the documents again.',
        )
      }
    },
    settle() {
      settling ??= settleAll().finally(() => {
        settling = undefined
      })
      return settling
    },
  }
}

/** One access has one release entry, however often it is tried: its id derives from the access's. */
function requestOf(access: string): { request: string; salt: string } {
  const half = (purpose: string): string => sha256Hex(`${purpose}\u0000${access}`).slice(0, 32)
  return { request: half('release request'), salt: half('release salt') }
}
