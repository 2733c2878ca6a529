import {
  bookOf,
  complete,
  MedledgerError,
  randomId,
  type FieldsOf,
  type RequestOf,
  type SubmitName,
} from 'medledger-chaincode/api'
import { GatewayError } from '../error.ts'
import {
  Unsettled,
  type LedgerClient,
  type Observe,
  type Receipt,
  type SubmitOptions,
} from '../ledger/index.ts'
import type { Outbox, OutboxRow, RequestName, Settlement } from '../store/index.ts'
import { lookUp, placeOf } from './look-up.ts'

export interface SettlementSources {
  /** Submits without noting anything. */
  readonly client: LedgerClient
  readonly outbox: Outbox
  /** The block of a transaction that the own peer has delivered; undefined when it has not. */
  readonly blockOf: (transactionId: string) => Promise<number | undefined>
  /** A digest that only this organisation can compute. */
  readonly digest: (purpose: string, value: string) => string
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
  readonly observe: Observe
}

/** Requests that this process is submitting: what became of them is its own to find out. */
export type InFlight = Set<string>

export const flightName = ({ collection, request }: RequestName): string => `${collection}/${request}`

/** Whom a request belongs to, as a digest. */
export const ownerOf = (
  digest: SettlementSources['digest'],
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
): string => digest('request owner', JSON.stringify([issuer, subject]))

/**
 * A request that is still being submitted when its process dies is looked at after this long by others; longer than
 * a submission can take in all, see the port.
 */
export const inFlightMs = 20_000

interface Submission<N extends SubmitName> {
  readonly name: N
  readonly fields: FieldsOf<N>
  readonly options: SubmitOptions
  readonly row: RequestName
  readonly request: RequestOf<N>
}

/**
 * A ledger client that notes in the outbox, before it submits it, what concerns a placement, and afterwards what became
 * of it. A request that is submitted again under the same identity is committed once: the answer is the same receipt.
 * Errors besides the client's: REQUEST_CANCELLED for a request whose cancellation the ledger has.
 */
export function createSettledClient(sources: SettlementSources, inFlight: InFlight): LedgerClient {
  const { client, outbox, digest, now, observe } = sources
  return {
    evaluate: (name, fields, options) => client.evaluate(name, fields, options),
    async submit<N extends SubmitName>(
      name: N,
      fields: FieldsOf<N>,
      options: SubmitOptions = {},
    ): Promise<Receipt> {
      const retry = options.retry ?? { request: randomId(), salt: randomId() }
      const request = complete<N>(fields, retry)
      const collection = bookOf(name, request)
      const withIdentity = { ...options, retry }
      if (placeOf(collection) === undefined || collection === undefined) {
        return submitUnnoted(sources, name, fields, withIdentity)
      }
      const row = { request: retry.request, collection }
      const flight = flightName(row)
      inFlight.add(flight)
      try {
        const created = now()
        const owner = options.claims === undefined ? '' : ownerOf(digest, options.claims)
        const noted = await outbox.note({ ...row, name, owner, created, due: created + inFlightMs })
        observe({ step: 'outbox.write', name, outcome: '', milliseconds: now() - created })
        const submission = { name, fields, options: withIdentity, row, request }
        return await submitNoted(sources, submission, noted)
      } finally {
        inFlight.delete(flight)
      }
    },
  }
}

/** What leaves no mark in a placement is not noted. Under an identity of its own, a duplicate means that it is done. */
async function submitUnnoted<N extends SubmitName>(
  { client }: SettlementSources,
  name: N,
  fields: FieldsOf<N>,
  options: SubmitOptions & { readonly retry: { readonly request: string } },
): Promise<Receipt> {
  try {
    return await client.submit(name, fields, options)
  } catch (error) {
    if (!isCode(error, 'DUPLICATE_REQUEST')) throw error
    return { entry: options.retry.request, block: 0, transactionId: '', isRepeat: true }
  }
}

async function submitNoted<N extends SubmitName>(
  sources: SettlementSources,
  submission: Submission<N>,
  { row, isNew }: { readonly row: OutboxRow; readonly isNew: boolean },
): Promise<Receipt> {
  const { client, outbox } = sources
  const { name, fields, options } = submission
  const known = settlementOf(row)
  if (known !== undefined) return conclude(sources, submission, known)
  try {
    const receipt = await client.submit(name, fields, options)
    await afterwards(settle(sources, row, { state: 'committed', transactionId: receipt.transactionId }))
    return receipt
  } catch (error) {
    if (isCode(error, 'DUPLICATE_REQUEST')) return concludeDuplicate(sources, submission, row)
    if (!isFinal(error)) await afterwards(outbox.defer(row, { due: sources.now() + firstLookMs, tries: 0 }))
    else if (isNew) await afterwards(refuse(sources, row))
    // Nothing of this try was ordered, but an earlier one may be.
    else if (isCode(error, 'LEDGER_UNAVAILABLE') || isCode(error, 'CHANGED_MEANWHILE'))
      throw new Unsettled(name, submission.request, error)
    throw error
  }
}

/** What the ledger has said is the answer, also when it cannot be noted: the row stays, and is looked at when it is due. */
const afterwards = (noting: Promise<void>): Promise<void> => noting.catch(() => undefined)

/** After this long what became of an unknown outcome is looked for. */
const firstLookMs = 1000

const isCode = (error: unknown, code: MedledgerError['code']): boolean =>
  error instanceof MedledgerError && error.code === code

/** Whether an error says that nothing was or will be committed. An unexpected one may have come after the order. */
const isFinal = (error: unknown): boolean =>
  error instanceof MedledgerError && error.code !== 'OUTCOME_UNKNOWN'

const settlementOf = ({ state, transaction_id }: OutboxRow): Settlement | undefined =>
  state === 'pending' ? undefined : { state, transactionId: transaction_id ?? '' }

/** Notes what became of a request, once, and tells of it. */
export async function settle(
  { outbox, now, observe }: Pick<SettlementSources, 'outbox' | 'now' | 'observe'>,
  row: OutboxRow,
  settlement: Settlement,
): Promise<void> {
  if (!(await outbox.settle(row, settlement))) return
  const milliseconds = now() - row.created
  observe({ step: 'outbox.settle', name: row.name, outcome: settlement.state, milliseconds })
}

async function refuse({ outbox, now, observe }: SettlementSources, row: OutboxRow): Promise<void> {
  await outbox.forget(row)
  const milliseconds = now() - row.created
  observe({ step: 'outbox.settle', name: row.name, outcome: 'refused', milliseconds })
}

/** The ledger has the request, or its cancellation: which of them, it says itself. */
async function concludeDuplicate<N extends SubmitName>(
  sources: SettlementSources,
  submission: Submission<N>,
  row: OutboxRow,
): Promise<Receipt> {
  const found = await lookUp(sources.client, row).catch(() => undefined)
  // The peer that was asked is behind those that know it.
  if (found === undefined) throw new Unsettled(submission.name, submission.request)
  await afterwards(settle(sources, row, found))
  return conclude(sources, submission, found)
}

async function conclude<N extends SubmitName>(
  { blockOf }: SettlementSources,
  { name, request }: Submission<N>,
  { state, transactionId }: Settlement,
): Promise<Receipt> {
  if (state === 'cancelled') {
    throw new GatewayError(
      'REQUEST_CANCELLED',
      'The request did not reach the ledger and has been cancelled: ask anew, with another key.',
    )
  }
  const block = await blockOf(transactionId)
  if (block === undefined) throw new Unsettled(name, request)
  return { entry: request.request, block, transactionId, isRepeat: true }
}
