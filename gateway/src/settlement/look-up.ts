import { MedledgerError, type Book } from 'medledger-chaincode/api'
import type { LedgerClient } from '../ledger/index.ts'
import type { RequestName, Settlement } from '../store/index.ts'

/** Placement and book of a request, from its collection; undefined for one that is of no placement. */
export function placeOf(
  collection: string | undefined,
): { readonly custodian: string; readonly book: Book } | undefined {
  const [, book, custodian] = /^(access|consent)-(.+)$/.exec(collection ?? '') ?? []
  return custodian === undefined ? undefined : { custodian, book: book as Book }
}

/**
 * What the ledger has done with an own request, as far as the peer that is asked knows; undefined when it knows of
 * nothing. Errors: those of the port.
 */
export async function lookUp(
  client: Pick<LedgerClient, 'evaluate'>,
  { collection, request }: RequestName,
): Promise<(Settlement & { readonly agent?: string; readonly at: string }) | undefined> {
  const place = placeOf(collection)
  if (place === undefined) return undefined
  try {
    return await client.evaluate('ReadRequest', { ...place, entry: request })
  } catch (error) {
    if (error instanceof MedledgerError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}
