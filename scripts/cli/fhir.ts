import { isObject, objectAt, objectsAt, textAt, type Json } from '../import/resource.ts'

/** A row of `medledger documents`. */
export interface DocumentRow {
  readonly id: string
  readonly type: string
  readonly date: string
  readonly custodian: string
}

/** A row of `medledger log`. */
export interface LogRow {
  readonly entry: string
  readonly at: string
  readonly block: number
  readonly kind: string
  readonly person: string
  readonly organisation: string
  readonly purpose: string | null
  readonly documents: readonly { readonly id: string; readonly outcome: string }[]
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

/** A DocumentReference as a row, and the name of its type for people. */
export function toDocumentRow(reference: Json): { readonly row: DocumentRow; readonly typeName: string } {
  const [coding] = objectsAt(objectAt(reference, 'type'), 'coding')
  const type = textAt(coding, 'code') ?? ''
  const custodian = textAt(objectAt(reference, 'custodian'), 'reference') ?? ''
  const period = objectAt(objectAt(reference, 'context'), 'period')
  return {
    row: {
      id: textAt(reference, 'id') ?? '',
      type,
      date: textAt(period, 'start') ?? textAt(reference, 'date') ?? '',
      custodian: custodian.replace(/^Organization\//, ''),
    },
    typeName: textAt(coding, 'display') ?? type,
  }
}

/** A row of the log, and what a person would want to know of it besides. */
export interface LoggedRow {
  readonly row: LogRow
  readonly detail: string
}

/** The rows of the log, in ledger order. */
export function toLogRows(bundle: unknown): LoggedRow[] {
  const rows = matchesOf(bundle)
    .flatMap((event) => objectsAt(event, 'extension'))
    .filter(({ url }) => url === 'urn:medledger:entry')
    .map((extension) => parseObject(textAt(extension, 'valueString')))
    .filter((row) => row !== undefined)
  return rows
    .toSorted(
      (one, other) =>
        numberAt(one, 'block') - numberAt(other, 'block') ||
        numberAt(one, 'position') - numberAt(other, 'position'),
    )
    .map((row) => ({ row: toLogRow(row), detail: detailOf(row) }))
}

function parseObject(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  return isObject(value) ? value : undefined
}

const numberAt = (value: Json, member: string): number => {
  const found = value[member]
  return typeof found === 'number' ? found : 0
}

/** What was granted, revoked, searched for or answered. */
const detailOf = (row: Json): string =>
  [textAt(row, 'change'), textAt(row, 'consent'), textAt(row, 'readingOf')]
    .concat(textAt(row, 'of') === undefined ? [] : [`of ${textAt(row, 'of')}`])
    .filter((part) => part !== undefined)
    .join(' ')

function toLogRow(row: Json): LogRow {
  const { delivered } = row
  return {
    entry: textAt(row, 'entry') ?? '',
    at: textAt(row, 'at') ?? '',
    block: numberAt(row, 'block'),
    kind: textAt(row, 'kind') ?? '',
    person: textAt(row, 'person') ?? '',
    organisation: textAt(row, 'organisation') ?? '',
    purpose: textAt(row, 'purpose') ?? null,
    documents: objectsAt(row, 'documents').map((document) => ({
      id: textAt(document, 'id') ?? '',
      outcome: textAt(document, 'outcome') ?? '',
    })),
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
