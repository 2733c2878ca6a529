import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Id, type PurposeOfUse, type ReadingOf } from 'medledger-chaincode/api'
import { submitOptionsOf } from '../idempotency.ts'
import type { Receipt } from '../ledger/index.ts'
import type { Services } from '../services.ts'

/** A patient parameter: a handle, or a reference to it (`Patient/<handle>`). */
export const PatientQuery = Type.Object({ patient: Type.String({ pattern: '^(Patient/)?[0-9a-f]{32}$' }) })

export const handleOf = (patient: string): string => patient.replace(/^Patient\//, '')

export const EntryHeader = Type.Object({ 'x-medledger-entry': Type.Optional(Id) })

interface Reading {
  readonly patient: string
  readonly readingOf: ReadingOf
  readonly purpose: PurposeOfUse
}

/** What each custodian's placement answered, or the error with which it did not. */
export interface Gathered<Answer> {
  readonly answers: readonly {
    readonly custodian: string
    readonly answer: Answer
  }[]
  readonly failures: readonly { readonly custodian: string; readonly error: unknown }[]
}

/** All pages of a list, asked for one after another: each names what the next one comes after. */
export async function allPages<Page extends { readonly next?: unknown }>(
  ask: (from: { readonly after?: NonNullable<Page['next']> }) => Promise<Page>,
): Promise<Page[]> {
  const pages: Page[] = []
  let after: Page['next'] | undefined
  do {
    const page = await ask(after === undefined || after === null ? {} : { after })
    pages.push(page)
    after = page.next
  } while (after !== undefined)
  return pages
}

/** Where a reading goes on that is not at its beginning. */
interface Among {
  readonly custodians?: readonly string[]
  /** The entries of the reading, where it is on record. */
  readonly recorded?: readonly {
    readonly custodian: string
    readonly entry: string
    readonly block: number
    readonly isRepeat?: true
  }[]
}

/**
 * Reads in every placement: first the reading is committed as an entry, then the query that names it is asked.
 * One placement's failure does not keep the others from answering; when all fail, the first error is thrown.
 * The answer names the entries that were committed, be it that nothing may be shown.
 */
export async function readEverywhere<Answer>(
  { constitution, client }: Services,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  reading: Reading,
  query: (custodian: string, receipt: Pick<Receipt, 'entry' | 'block' | 'isRepeat'>) => Promise<Answer>,
  among: Among = {},
): Promise<Gathered<Answer>> {
  const { custodians = constitution.placements.map(({ custodian }) => custodian), recorded = [] } = among
  const entries = new Map<string, string>()
  const settled = await Promise.allSettled(
    custodians.map(async (custodian) => {
      const receipt =
        recorded.find((known) => known.custodian === custodian) ??
        (await client.submit(
          'RecordReading',
          { custodian, ...reading },
          submitOptionsOf(request, 'RecordReading', custodian),
        ))
      entries.set(custodian, receipt.entry)
      return { custodian, answer: await query(custodian, receipt) }
    }),
  )
  const named = custodians.flatMap((custodian) => entries.get(custodian) ?? [])
  if (named.length > 0) reply.header('x-medledger-entry', named.join(', '))
  const answers = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failures = settled.flatMap((result, index) =>
    result.status === 'rejected'
      ? [{ custodian: custodians[index] ?? '', error: result.reason as unknown }]
      : [],
  )
  if (answers.length === 0 && failures[0] !== undefined) throw failures[0].error
  return { answers, failures }
}
