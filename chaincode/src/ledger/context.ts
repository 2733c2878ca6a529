import {
  accessCollection,
  consentCollection,
  placementOf,
  registry,
  type Constitution,
} from '../api/index.ts'
import { openBook, type Book, type StateStub } from './book.ts'
import { requireSecret, type Caller } from './caller.ts'

/** What a handler works with: who calls, when, and typed reads and writes. */
export interface Context {
  readonly constitution: Constitution
  /** SHA-256 of the constitution in canonical form. */
  readonly constitutionDigest: string
  readonly transactionId: string
  /** Transaction time, in milliseconds since 1970 (UTC). */
  readonly at: number
  readonly caller: Caller
  readonly publicState: Book
  readonly registry: Book
  /** A collection, or public state for undefined. */
  collection(name: string | undefined): Book
  placement(custodian: string): Promise<PlacementBooks>
}

/** A placement's two collections and the secret of its keys. */
export interface PlacementBooks {
  readonly custodian: string
  readonly secret: string
  readonly consent: Book
  readonly access: Book
}

/** Errors of `placement`: INVALID_REQUEST for an unknown custodian, NOT_READY before it is opened. */
export function createContext(
  given: Omit<Context, 'placement' | 'collection' | 'publicState' | 'registry'>,
  stub: StateStub,
  salt: string,
): Context {
  const collection = (name: string | undefined): Book => openBook(stub, name, salt)
  return {
    ...given,
    collection,
    publicState: collection(undefined),
    registry: collection(registry),
    async placement(custodian) {
      placementOf(given.constitution, custodian)
      const consent = collection(consentCollection(custodian))
      const access = collection(accessCollection(custodian))
      return { custodian, secret: await requireSecret(consent), consent, access }
    },
  }
}
