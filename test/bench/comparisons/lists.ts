import { collectionsOf, organisationNamed } from 'medledger-chaincode/api'
import { createClient, type LedgerClient } from '../../../gateway/src/ledger/index.ts'
import {
  answerLists,
  keepProjection,
  prepareProjection,
  type AnswerSource,
} from '../../../gateway/src/projection/index.ts'
import { openProjection, sqliteDialect } from '../../../gateway/src/store/index.ts'
import type { BenchInstance } from '../instance.ts'
import type { Comparison } from '../rounds.ts'
import type { Bench } from '../work.ts'

/** South's projection in the bench itself, as its gateway has one. */
export interface BenchProjection {
  /** Answers lists from it. Errors: when a peer was asked after all. */
  readonly client: LedgerClient
  readonly close: () => Promise<void>
}

const own = 'south'

export async function openBenchProjection({ constitution, ledger }: BenchInstance): Promise<BenchProjection> {
  const { transport } = ledger(own)
  const database = await openProjection(sqliteDialect(':memory:'))
  await prepareProjection(database, false)
  const members = new Set(
    collectionsOf(constitution)
      .filter(({ members }) => members.includes(own))
      .map(({ name }) => name),
  )
  const log = { event: () => {}, fault: () => {} }
  const projection = await keepProjection({ database, transport, members, log })
  const answered = (source: AnswerSource): void => {
    if (source === 'peer') throw new Error('the projection did not answer')
  }
  const evaluate = answerLists({
    database,
    projection,
    transport,
    constitution,
    organisation: organisationNamed(constitution, own),
    members,
    now: Date.now,
    log,
    answered,
  })
  return {
    client: createClient({ submit: (...sent) => transport.submit(...sent), evaluate }, constitution, own),
    async close() {
      projection.stop()
      await database.destroy()
    },
  }
}

/** A reading serves for a minute. */
const recordEveryMs = 30_000

/** The query of a list, without the entry that comes before it: from the projection, and from the own peer's chaincode. */
export function compareLists({ instance, projection, thick, patients }: Bench): Comparison[] {
  const { processes, ledger } = instance
  const { client } = ledger(own)
  const [hot = thick] = patients
  const tokenOf = {
    doctor: () => instance.token('dr.chen'),
    patient: () => instance.patientToken(hot.handle, own),
  }
  const recorded = (
    patient: string,
    readingOf: 'DocumentReference' | 'AuditEvent',
    token: () => string,
  ): (() => Promise<string>) => {
    let entry: Promise<string> | undefined
    let until = 0
    return () => {
      if (entry === undefined || performance.now() > until) {
        until = performance.now() + recordEveryMs
        const fields = { custodian: 'north', patient, readingOf, purpose: 'TREAT' } as const
        entry = client.submit('RecordReading', fields, { token: token() }).then((receipt) => receipt.entry)
      }
      return entry
    }
  }
  const search = recorded(thick.handle, 'DocumentReference', tokenOf.doctor)
  const look = recorded(hot.handle, 'AuditEvent', tokenOf.patient)
  const documents = async (from: LedgerClient): Promise<unknown> =>
    from.evaluate('ListDocuments', { custodian: 'north', entry: await search() }, { token: tokenOf.doctor() })
  const log = async (from: LedgerClient): Promise<unknown> =>
    from.evaluate(
      'ListEntries',
      { custodian: 'north', entry: await look(), book: 'access', limit: 100 },
      { token: tokenOf.patient() },
    )
  return (
    [
      ['list of fifty documents', documents],
      ['page of the log', log],
    ] as const
  ).map(([operation, ask]): Comparison => ({
    name: `${operation}: projection : peer`,
    operation: `${operation}, by the query alone`,
    inFlight: 10,
    arms: [
      { name: 'from the projection', processes, run: () => ask(projection.client) },
      { name: 'from the own peer', processes, run: () => ask(client) },
    ],
  }))
}
