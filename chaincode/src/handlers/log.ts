import {
  limits,
  MedledgerError,
  type Agent,
  type DocumentOutcome,
  type Entry,
  type EntriesAnswer,
  type ReadingOf,
  type RequestOf,
  type Withheld,
} from '../api/index.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { markRequest, readEntry, requireReading, requireUnused, type EntryDraft } from '../ledger/entries.ts'
import { entryKey, entryPrefix, releasedKey } from '../ledger/keys.ts'
import { requirePurpose } from './access.ts'
import type { Handlers } from './handlers.ts'

/** Records that somebody searches for documents or looks at consents or the log; the attempt is recorded if denied. */
async function recordReading(context: Context, request: RequestOf<'RecordReading'>): Promise<EntryDraft> {
  const { custodian, patient, purpose, readingOf } = request
  requirePurpose(context, purpose)
  return {
    custodian,
    patient,
    purpose,
    readingOf,
    documents: [],
    kind: readingOf === 'AuditEvent' ? 'log' : 'search',
    outcome: mayRead(context.caller.agent, patient, readingOf) ? 'permit' : 'deny',
  }
}

/** A patient reads what is hers; a doctor may search (and finds what she may read); an auditor reads any log. */
function mayRead({ id, role }: Agent, patient: string, readingOf: ReadingOf): boolean {
  if (role === 'patient') return id === patient
  return role === 'auditor' ? readingOf === 'AuditEvent' : readingOf === 'DocumentReference'
}

/**
 * Records what a custodian has released of an access, be it nothing, and what it held back.
 * Errors: FORBIDDEN, NOT_FOUND, INVALID_REQUEST.
 */
async function recordRelease(context: Context, request: RequestOf<'RecordRelease'>): Promise<EntryDraft> {
  const { custodian, through, access, documents, withheld = [] } = request
  if (context.caller.agent.organisation !== custodian) {
    throw new MedledgerError('FORBIDDEN', 'Only the custodian records a release of its documents.')
  }
  const placement = await context.placement(custodian)
  const entry = await readEntry(placement.access, through, access)
  if (entry.kind !== 'access')
    throw new MedledgerError('NOT_FOUND', 'No access with this id is committed here.')
  const released = documents.map((id) => permittedIn(entry, id))
  // Beside the entry, which may be pages away from that of the access when somebody reads the account.
  const before = await placement.access.get<boolean>(releasedKey(through, access))
  await placement.access.put(releasedKey(through, access), before === true || released.length > 0)
  const held = withheld.map((item) => heldBack(entry, item, documents))
  const { patient, purpose } = entry
  return {
    kind: 'release',
    custodian,
    patient,
    of: access,
    ofThrough: through,
    outcome: released.length > 0 ? 'permit' : 'deny',
    documents: [...released, ...held],
    ...(purpose !== undefined && { purpose }),
  }
}

function permittedIn({ documents }: Entry, id: string): DocumentOutcome {
  const found = documents.find(({ document, outcome }) => document === id && outcome === 'permit')
  if (found === undefined) {
    throw new MedledgerError('INVALID_REQUEST', 'The access did not permit this document.')
  }
  return found
}

/** What is inside a document only its custodian knows: that a part is denied is its word, for what the access permitted. */
function heldBack(
  entry: Entry,
  { document, basedOn }: Withheld,
  released: readonly string[],
): DocumentOutcome {
  if (released.includes(document))
    throw new MedledgerError('INVALID_REQUEST', 'A document is either released or held back.')
  return { ...permittedIn(entry, document), outcome: 'deny', basis: 'denied-in-part', basedOn }
}

/** Settles a request whose outcome is unknown: whichever of the two is committed first uses up the request id. */
async function cancelRequest(context: Context, request: RequestOf<'CancelRequest'>): Promise<EntryDraft> {
  const { custodian, book, cancels } = request
  const placement = await context.placement(custodian)
  const target = book === 'access' ? placement.access : placement.consent
  await requireUnused(context, target, cancels)
  await markRequest(context, target, cancels, { entry: null, state: 'cancelled' })
  return { kind: 'cancel', custodian, patient: null, of: cancels, outcome: 'permit', documents: [] }
}

/** A page of a patient's account, by transaction time. */
async function listEntries(context: Context, request: RequestOf<'ListEntries'>): Promise<EntriesAnswer> {
  const { custodian, entry, book: named, after, limit = limits.entriesPerPage } = request
  const placement = await context.placement(custodian)
  const { patient } = await requireReading(context, placement.consent, entry, 'AuditEvent')
  const book = named === 'access' ? placement.access : placement.consent
  const { secret } = placement
  // One more than a page shows whether there is a further one.
  const found = await book.list<Entry>(entryPrefix(secret, patient), {
    ...(after !== undefined && { after: entryKey(secret, patient, after) }),
    limit: limit + 1,
  })
  const entries = found.slice(0, limit)
  const last = found.length > entries.length ? entries.at(-1) : undefined
  return {
    entries,
    delivered: await deliveredOf(placement, entries),
    ...(last !== undefined && { next: { at: last.at, through: last.agent.through, entry: last.entry } }),
  }
}

async function deliveredOf(
  { access }: PlacementBooks,
  entries: readonly Entry[],
): Promise<EntriesAnswer['delivered']> {
  const permitted = entries
    .filter(({ kind, outcome }) => kind === 'access' && outcome === 'permit')
    .map(({ agent: { through }, entry }) => ({ through, entry }))
  const isReleased = await Promise.all(
    permitted.map(({ through, entry }) => access.get<boolean>(releasedKey(through, entry))),
  )
  return permitted.filter((_name, index) => isReleased[index] === true)
}

export const logHandlers = {
  RecordReading: recordReading,
  RecordRelease: recordRelease,
  CancelRequest: cancelRequest,
  ListEntries: listEntries,
} satisfies Partial<Handlers>
