import { limits, MedledgerError, type Entry, type RequestState } from '../api/index.ts'
import type { Book } from './book.ts'
import type { Context } from './context.ts'
import { toInstant } from './clock.ts'
import { entryKey, nobody, requestKey } from './keys.ts'

/** What a handler has to say in its entry; the rest is the same for all. */
export type EntryDraft = Omit<Entry, 'entry' | 'transactionId' | 'at' | 'agent' | 'assurance' | 'origin'>

/** Left under a request's id: it makes the request once-only and leads to its entry. */
interface Mark {
  /** Key of the entry in the same book; null for a request that has none. */
  readonly entry: string | null
  /** The transaction that left it, and its time. */
  readonly transactionId: string
  readonly at: string
  /** What left it was the request itself, or its cancellation. */
  readonly state: RequestState['state']
}

/** Errors: DUPLICATE_REQUEST when the caller's organisation has committed the request, or its cancellation. */
export async function requireUnused({ caller }: Context, book: Book, request: string): Promise<void> {
  if ((await book.get<Mark>(requestKey(caller.through.name, request))) !== undefined) {
    throw new MedledgerError('DUPLICATE_REQUEST', 'This request id has been used: ask for its entry.')
  }
}

/** Marks a request as done and writes its entry, if it has one. `secret` is that of the placement. */
export async function writeEntry(
  context: Context,
  book: Book,
  request: string,
  recorded?: { readonly draft: EntryDraft; readonly secret: string },
): Promise<void> {
  const through = context.caller.through.name
  const place = { at: toInstant(context.at), through, entry: request }
  const key = recorded && entryKey(recorded.secret, recorded.draft.patient ?? nobody, place)
  await markRequest(context, book, request, { entry: key ?? null, state: 'committed' })
  if (recorded === undefined || key === undefined) return
  const entry: Entry = {
    ...recorded.draft,
    entry: request,
    transactionId: context.transactionId,
    at: toInstant(context.at),
    agent: context.caller.agent,
    assurance: 'attested',
    origin: 'online',
  }
  await book.put(key, entry)
}

export async function markRequest(
  { caller, transactionId, at }: Context,
  book: Book,
  request: string,
  left: Pick<Mark, 'entry' | 'state'>,
): Promise<void> {
  const mark: Mark = { ...left, transactionId, at: toInstant(at) }
  await book.put(requestKey(caller.through.name, request), mark)
}

/** What became of a request that the caller's organisation submitted. Errors: NOT_FOUND when nothing has as yet. */
export async function readRequestState(
  { caller }: Context,
  book: Book,
  request: string,
): Promise<RequestState> {
  const mark = await book.get<Mark>(requestKey(caller.through.name, request))
  if (mark === undefined)
    throw new MedledgerError('NOT_FOUND', 'No request with this id is committed here, nor cancelled.')
  const { entry: key, state, transactionId, at } = mark
  const entry = key === null ? undefined : await book.get<Entry>(key)
  const agent = entry?.agent.id
  return { state, transactionId, at, ...(agent !== undefined && { agent }) }
}

/** The entry of a request that an organisation's gateway submitted. Errors: NOT_FOUND. */
export async function readEntry(book: Book, through: string, request: string): Promise<Entry> {
  const mark = await book.get<Mark>(requestKey(through, request))
  const entry = mark === undefined || mark.entry === null ? undefined : await book.get<Entry>(mark.entry)
  if (entry === undefined) throw new MedledgerError('NOT_FOUND', 'No entry with this id is committed here.')
  return entry
}

/**
 * The caller's own, fresh, permitted reading: what a query that shows a patient's data must name.
 * Errors: NOT_FOUND, FORBIDDEN.
 */
export async function requireReading(
  context: Context,
  book: Book,
  request: string,
  readingOf: Entry['readingOf'],
): Promise<Entry & { patient: string }> {
  const { agent, through } = context.caller
  const entry = await readEntry(book, through.name, request)
  const own = entry.agent.kind === agent.kind && entry.agent.id === agent.id && entry.readingOf === readingOf
  if (!own || entry.patient === null)
    throw new MedledgerError('NOT_FOUND', 'No entry with this id is committed here.')
  if (entry.outcome !== 'permit')
    throw new MedledgerError('FORBIDDEN', 'You may not see this; the attempt is on record.')
  if (context.at - Date.parse(entry.at) > limits.freshnessMs) {
    throw new MedledgerError('FORBIDDEN', 'This reading was recorded too long ago: begin anew.')
  }
  return { ...entry, patient: entry.patient }
}
