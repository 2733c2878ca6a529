import { check, Labels, limits, MedledgerError, Related, type Coding } from 'medledger-chaincode/api'
import { describedBy } from 'medledger-chaincode/core'
import { decidableParts } from '../release/index.ts'

interface Given {
  readonly bundle: Readonly<Record<string, unknown>>
  readonly labels?: readonly Coding[]
  readonly related?: readonly string[]
}

/** What the ledger is to know of a document that decides who may see it. */
export interface Derived {
  readonly labels?: Labels
  readonly related?: Related
}

/**
 * A document's security labels and relations: those of its Bundle and of everything in it, and what the clerk adds; she takes
 * none away. Nothing is cut off: errors are LIMIT_EXCEEDED for more than a descriptor can hold, INVALID_REQUEST for a label
 * without a system and for a resource in which nobody could decide what is denied. `position` names the document.
 */
export function derivedFrom({ bundle, ...added }: Given, position: number, zone: string): Derived {
  const { labels, related } = describedBy(bundle)
  const name = `Document ${position}`
  if (decidableParts(bundle, zone) === undefined)
    throw new MedledgerError(
      'INVALID_REQUEST',
      `${name} has a resource with a code or a reference in it that is too long.`,
    )
  return {
    ...listed('labels', union(labels, added.labels ?? [], keyOf), name, 'security labels'),
    ...listed('related', union(related, added.related ?? [], String), name, 'relations'),
  }
}

type Label = Omit<Coding, 'system'> & { readonly system?: string }
const keyOf = ({ system = '', code }: Label): string => `${system}|${code}`

/** Each once and sorted, so that the same document has the same description; what the clerk says of it may have a display. */
function union<Item>(found: readonly Item[], added: readonly Item[], nameOf: (item: Item) => string): Item[] {
  const items = new Map([...found, ...added].map((item) => [nameOf(item), item]))
  return [...items.keys()].sort().flatMap((key) => items.get(key) ?? [])
}

const schemas = { labels: Labels, related: Related } as const
const maxima = { labels: limits.labelsPerDocument, related: limits.relationsPerDocument } as const

/** Absent when there is none. */
function listed(
  member: keyof typeof schemas,
  items: readonly unknown[],
  name: string,
  what: string,
): Derived {
  if (items.length === 0) return {}
  const maximum = maxima[member]
  if (items.length > maximum)
    throw new MedledgerError(
      'LIMIT_EXCEEDED',
      `${name} has ${items.length} ${what}, with those of everything in it; it can have ${maximum}.`,
    )
  return { [member]: check(schemas[member], items, `list of ${what} of ${name.toLowerCase()}`) }
}
