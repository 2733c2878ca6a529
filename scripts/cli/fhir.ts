import { isObject, objectAt, objectsAt, textAt, type Json } from '../import/resource.ts'

/** A row of `medledger documents`. */
export interface DocumentRow {
  readonly id: string
  readonly type: string
  /** The name of the type, for people. */
  readonly typeName: string
  /** Null when the document has none. */
  readonly title: string | null
  readonly date: string
  readonly custodian: string
}

/** A row of `medledger log`. */
export interface LogRow {
  readonly entry: string
  readonly at: string
  readonly block: number
  /** Place in its block. */
  readonly position: number
  readonly kind: string
  readonly person: string
  /** Null for a gateway. */
  readonly personId: string | null
  readonly organisation: string
  /** The organisation through which it came: with it and the custodian, an entry is named. */
  readonly through: string
  readonly custodian: string
  readonly purpose: string | null
  readonly outcome: string
  readonly documents: readonly { readonly id: string; readonly outcome: string }[]
  /** `grant` or `revoke`, and which consent. */
  readonly change: string | null
  readonly consent: string | null
  /** What was searched for or looked at. */
  readonly readingOf: string | null
  /** The access that a release or a cancellation belongs to. */
  readonly of: string | null
  readonly delivered: boolean | null
}

/** The resources of a searchset that matched. */
export const matchesOf = (bundle: unknown): readonly Json[] =>
  objectsAt(bundle, 'entry')
    .filter((entry) => textAt(objectAt(entry, 'search'), 'mode') !== 'outcome')
    .map((entry) => objectAt(entry, 'resource'))
    .filter((resource) => resource !== undefined)

/** What a searchset says about itself: custodians that did not answer, and that it may not be complete. */
export function remarksOf(bundle: unknown): string[] {
  return objectsAt(bundle, 'entry')
    .filter((entry) => textAt(objectAt(entry, 'search'), 'mode') === 'outcome')
    .flatMap((entry) => objectsAt(objectAt(entry, 'resource'), 'issue'))
    .flatMap((issue) => textAt(issue, 'diagnostics') ?? textAt(objectAt(issue, 'details'), 'text') ?? [])
}

export function toDocumentRow(reference: Json): DocumentRow {
  const [coding] = objectsAt(objectAt(reference, 'type'), 'coding')
  const type = textAt(coding, 'code') ?? ''
  const custodian = textAt(objectAt(reference, 'custodian'), 'reference') ?? ''
  const period = objectAt(objectAt(reference, 'context'), 'period')
  return {
    id: textAt(reference, 'id') ?? '',
    type,
    typeName: textAt(coding, 'display') ?? type,
    title: textAt(reference, 'description') ?? null,
    date: textAt(period, 'start') ?? textAt(reference, 'date') ?? '',
    custodian: custodian.replace(/^Organization\//, ''),
  }
}

/** The rows of the log, in ledger order. */
export const toLogRows = (bundle: unknown): LogRow[] =>
  matchesOf(bundle)
    .flatMap((event) => objectsAt(event, 'extension'))
    .filter(({ url }) => url === 'urn:medledger:entry')
    .map((extension) => parseObject(textAt(extension, 'valueString')))
    .filter((row) => row !== undefined)
    .map(toLogRow)
    .toSorted((one, other) => one.block - other.block || one.position - other.position)

function parseObject(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  return isObject(value) ? value : undefined
}

const numberAt = (value: Json, member: string): number => {
  const found = value[member]
  return typeof found === 'number' ? found : 0
}

function toLogRow(row: Json): LogRow {
  const { delivered } = row
  const orNull = (member: string): string | null => textAt(row, member) ?? null
  const text = (member: string): string => textAt(row, member) ?? ''
  return {
    entry: text('entry'),
    at: text('at'),
    block: numberAt(row, 'block'),
    position: numberAt(row, 'position'),
    kind: text('kind'),
    person: text('person'),
    personId: orNull('personId'),
    organisation: text('organisation'),
    through: text('through'),
    custodian: text('custodian'),
    purpose: orNull('purpose'),
    outcome: text('outcome'),
    documents: objectsAt(row, 'documents').map((document) => ({
      id: textAt(document, 'id') ?? '',
      outcome: textAt(document, 'outcome') ?? '',
    })),
    change: orNull('change'),
    consent: orNull('consent'),
    readingOf: orNull('readingOf'),
    of: orNull('of'),
    delivered: typeof delivered === 'boolean' ? delivered : null,
  }
}

/** What became of a change of consent: the entries made, and the placements that made none. */
export interface ConsentResult {
  readonly consent: string
  readonly entries: readonly string[]
  readonly missing: readonly { readonly custodian: string; readonly error: string }[]
}

export function toConsentResult(resource: unknown): ConsentResult {
  const placements = objectsAt(resource, 'extension')
    .filter(({ url }) => url === 'urn:medledger:placement')
    .map((placement) => {
      const parts = objectsAt(placement, 'extension')
      const named = (name: string): Json | undefined => parts.find(({ url }) => url === name)
      return {
        custodian: textAt(named('custodian'), 'valueString') ?? '',
        entry: textAt(named('entry'), 'valueString'),
        error: textAt(named('error'), 'valueCode'),
      }
    })
  return {
    consent: textAt(resource, 'id') ?? '',
    entries: placements.flatMap(({ entry }) => entry ?? []),
    missing: placements.flatMap(({ custodian, error }) =>
      error === undefined ? [] : [{ custodian, error }],
    ),
  }
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

/** The words of a narrative: its list items, paragraphs and rows as lines, without markup. */
export function narrativeLines(div: string): string[] {
  return div
    .replaceAll(/<\/?(li|p|tr|br|div|h\d|ul|ol|table|tbody|thead)\b[^>]*>/gi, '\n')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&(lt|gt|quot|apos|amp);/g, (_match, name: string) => entities[name] ?? ' ')
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '')
}
