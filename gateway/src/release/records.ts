import { MedledgerError, type Withheld } from 'medledger-chaincode/api'
import { GatewayError } from '../error.ts'
import type { LedgerClient, Observe } from '../ledger/index.ts'
import type { Database, ReleaseRow } from '../store/index.ts'

/** What has been released of an access, and the organisation through which the access was requested. */
export interface Release {
  readonly through: string
  readonly access: string
  readonly documents: readonly string[]
  /** What the access permitted and is held back, because something inside it is denied. */
  readonly withheld?: readonly Withheld[]
}

/** The custodian's account of what it has released, until the ledger has it too. */
export interface ReleaseRecords {
  /**
   * Notes, before the answer leaves, what it releases, be it nothing: once only, whatever happens afterwards.
   * Errors: ALREADY_RELEASED.
   */
  claim(release: Release): Promise<void>
  /** Writes release entries for all that have none yet. Called after each release, at the start, and now and then. */
  settle(): Promise<void>
}

const releaseIn = ({ through, access, documents, withheld }: Omit<ReleaseRow, 'recorded'>): Release => ({
  through,
  access,
  documents: JSON.parse(documents) as string[],
  withheld: JSON.parse(withheld) as Withheld[],
})

interface Sources {
  readonly database: Database
  readonly client: Pick<LedgerClient, 'submit'>
  readonly custodian: string
  /** A digest that only this organisation can compute. */
  readonly digest: (purpose: string, value: string) => string
  readonly log: (event: string, fields: Readonly<Record<string, string>>) => void
  readonly observe: Observe
}

/** How many release entries are written at the same time. */
const atOnce = 16

export function keepReleases({ database, client, custodian, digest, log, observe }: Sources): ReleaseRecords {
  let settling: Promise<void> | undefined

  const settleAll = async (): Promise<void> => {
    const rows = await database
      .selectFrom('releases')
      .select(['through', 'access', 'documents', 'withheld'])
      .where('recorded', '=', 0)
      .execute()
    const work = async (): Promise<void> => {
      for (let row = rows.shift(); row !== undefined; row = rows.shift()) await settleOne(row)
    }
    await Promise.all(Array.from({ length: atOnce }, work))
  }

  const settleOne = async (row: Omit<ReleaseRow, 'recorded'>): Promise<void> => {
    const { through, access } = row
    const began = performance.now()
    try {
      await record(releaseIn(row))
      const { numUpdatedRows } = await database
        .updateTable('releases')
        .set({ recorded: 1 })
        .where('through', '=', through)
        .where('access', '=', access)
        .where('recorded', '=', 0)
        .executeTakeFirstOrThrow()
      if (Number(numUpdatedRows) === 0) return
      const milliseconds = performance.now() - began
      observe({ step: 'release.record', name: 'RecordRelease', outcome: '', milliseconds })
    } catch (error) {
      const code = error instanceof MedledgerError ? error.code : 'INTERNAL'
      log('release.unrecorded', { entry: access, code })
    }
  }

  const record = async ({ through, access, documents, withheld = [] }: Release): Promise<void> => {
    // One access has one release entry, however often it is tried: id and salt derive from the access. They derive by
    // a secret, since the access's id is public and a salt that others know would let them guess what was released.
    const half = (purpose: string): string => digest(purpose, `${through}/${access}`).slice(0, 32)
    const retry = { request: half('release request'), salt: half('release salt') }
    try {
      await client.submit(
        'RecordRelease',
        {
          custodian,
          through,
          access,
          documents: [...documents],
          ...(withheld.length > 0 && { withheld: [...withheld] }),
        },
        { retry },
      )
    } catch (error) {
      // An earlier try got through after all.
      if (!(error instanceof MedledgerError && error.code === 'DUPLICATE_REQUEST')) throw error
    }
  }

  return {
    claim: (release) => claim(database, release),
    settle() {
      settling ??= settleAll().finally(() => {
        settling = undefined
      })
      return settling
    },
  }
}

async function claim(
  database: Database,
  { through, access, documents, withheld = [] }: Release,
): Promise<void> {
  const { numInsertedOrUpdatedRows } = await database
    .insertInto('releases')
    .values({
      through,
      access,
      recorded: 0,
      documents: JSON.stringify(documents),
      withheld: JSON.stringify(withheld),
    })
    .onConflict((conflict) => conflict.columns(['through', 'access']).doNothing())
    .executeTakeFirstOrThrow()
  if (Number(numInsertedOrUpdatedRows ?? 0) === 0) {
    throw new GatewayError('ALREADY_RELEASED', 'This access has been answered: request the documents again.')
  }
}
