import { timingSafeEqual } from 'node:crypto'
import {
  canonical,
  limits,
  MedledgerError,
  type Book,
  type EntriesAnswer,
  type Entry,
  type EntryPlace,
} from 'medledger-chaincode/api'
import type { Services } from '../services.ts'

/** One of a placement's two collections, and the last entry of it that has been shown. */
export interface Source {
  readonly custodian: string
  readonly book: Book
  readonly after?: EntryPlace
}

/** The entry by which a reading is on record at a custodian, and its block. */
export interface ReadingEntry {
  readonly custodian: string
  readonly entry: string
  readonly block: number
}

/** Where the next page of somebody's look at a patient's account begins. */
export interface Cursor {
  readonly patient: string
  /** Her look as it is on record; its entries serve for {@link readingServesMs}. */
  readonly readings: readonly ReadingEntry[]
  /** When it was recorded at the earliest, in milliseconds since 1970 (UTC). */
  readonly recorded: number
  /** Those that have more. */
  readonly sources: readonly Source[]
  /** Custodians that did not answer at an earlier page. */
  readonly missing: readonly string[]
}

/** Less than the ledger's own limit, since a page takes its time. */
const readingServesMs = limits.freshnessMs - 15_000

export const stillServes = ({ recorded }: Cursor, now: number): boolean => now - recorded < readingServesMs

interface Reader {
  readonly issuer: string
  readonly subject: string
}
type Digest = Pick<Services, 'digest'>

const signatureOf = ({ digest }: Digest, { issuer, subject }: Reader, text: string): string =>
  digest('page of an account', canonical([issuer, subject, text])).slice(0, 32)

/** The cursor as a text that this gateway takes back from the same reader only, and unchanged. */
export function writeCursor(services: Digest, reader: Reader, cursor: Cursor): string {
  const text = Buffer.from(JSON.stringify(cursor), 'utf8').toString('base64url')
  return `${text}.${signatureOf(services, reader, text)}`
}

/** Errors: INVALID_REQUEST for what this gateway has not given to this reader for this patient. */
export function readCursor(services: Digest, reader: Reader, patient: string, written: string): Cursor {
  const [text = '', signature = ''] = written.split('.')
  const expected = Buffer.from(signatureOf(services, reader, text))
  const given = Buffer.from(signature)
  if (given.length === expected.length && timingSafeEqual(given, expected)) {
    const cursor = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Cursor
    if (cursor.patient === patient) return cursor
  }
  throw new MedledgerError('INVALID_REQUEST', 'There is no such page: begin with the first one.')
}

/** What one source gave for a page. */
export interface Fetched {
  readonly source: Source
  readonly answer: EntriesAnswer
}

/** An entry of a page. */
export interface PageEntry {
  readonly entry: Entry
  /** Of an access: whether a release of it is on the ledger. */
  readonly delivered: boolean | null
}

interface Merged {
  readonly entries: readonly PageEntry[]
  /** Those that have more than this page shows. */
  readonly sources: readonly Source[]
}

/**
 * The first `count` by transaction time of what the sources gave, each of which gave as many or all that it has. No
 * source's entries overtake each other, so that every one is on one page.
 */
export function mergePages(fetched: readonly Fetched[], count: number): Merged {
  const all = fetched.flatMap(({ answer }, index) =>
    answer.entries.map((entry) => ({ entry, index, place: placeOf(entry) })),
  )
  const shown = all
    .sort((one, other) => comparePlaces(one.place, other.place) || one.index - other.index)
    .slice(0, count)
  const delivered = new Set(
    fetched.flatMap(({ source, answer }) =>
      answer.delivered.map(({ through, entry }) => `${source.custodian}/${through}/${entry}`),
    ),
  )
  return {
    entries: shown.map(({ entry }) => ({
      entry,
      delivered:
        entry.kind === 'access'
          ? delivered.has(`${entry.custodian}/${entry.agent.through}/${entry.entry}`)
          : null,
    })),
    sources: fetched.flatMap(({ source, answer }, index) => {
      const taken = shown.filter((item) => item.index === index)
      if (taken.length === answer.entries.length && answer.next === undefined) return []
      const after = taken.at(-1)?.place ?? source.after
      const { custodian, book } = source
      return [{ custodian, book, ...(after !== undefined && { after }) }]
    }),
  }
}

const placeOf = ({ at, agent: { through }, entry }: Entry): EntryPlace => ({ at, through, entry })

const comparePlaces = (one: EntryPlace, other: EntryPlace): number =>
  compare(one.at, other.at) || compare(one.through, other.through) || compare(one.entry, other.entry)

const compare = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1)
