import type { Constitution, Organisation, Placement } from './constitution.ts'
import { MedledgerError } from './error.ts'

/** People at organisations and the patient index; every organisation is a member. */
export const registry = 'registry'

/** Directives, descriptors, and the entries that a custodian must not be able to hold back. */
export const consentCollection = (custodian: string): string => `consent-${custodian}`

/** The entries about a custodian's documents. */
export const accessCollection = (custodian: string): string => `access-${custodian}`

/**
 * Who must endorse: the peers of all of `required`, and further ones of `among` up to `count` organisations in all.
 * Values are organisations' names.
 */
export interface Endorsers {
  readonly required: readonly string[]
  readonly among: readonly string[]
  readonly count: number
  /** Who is asked only when the others do not suffice. */
  readonly last?: string
}

export interface Collection {
  readonly name: string
  readonly members: readonly string[]
  readonly endorsers: Endorsers
  /** Whether peers refuse to read here for clients of other organisations (Fabric's `memberOnlyRead`). */
  readonly memberOnlyRead: boolean
  /** The same for writing, deleting and purging. */
  readonly memberOnlyWrite: boolean
}

/**
 * Whoever is no member of a placement asks for its documents, and its patients restrict it, through their own gateways: the
 * chaincode says who may do what, on the person's token, and no collection is closed to an organisation as such.
 */
const open = { memberOnlyRead: false, memberOnlyWrite: false }

/** How many organisations are a majority, Fabric's `MAJORITY` (implicit meta policy). */
export const majority = (organisations: number): number => Math.floor(organisations / 2) + 1

export function organisationNamed(constitution: Constitution, name: string): Organisation {
  const organisation = constitution.organisations.find((candidate) => candidate.name === name)
  if (organisation === undefined)
    throw new MedledgerError('INVALID_REQUEST', 'There is no such organisation.')
  return organisation
}

/** The placement of a custodian. Errors: INVALID_REQUEST when no placement has this custodian. */
export function placementOf(constitution: Constitution, custodian: string): Placement {
  const placement = constitution.placements.find((candidate) => candidate.custodian === custodian)
  if (placement === undefined) {
    const known = constitution.placements.map((candidate) => candidate.custodian).join(', ')
    throw new MedledgerError('INVALID_REQUEST', `There is no such custodian; there are: ${known}.`)
  }
  return placement
}

/** The endorsers of a write to public state: a majority of the organisations, the chaincode's own policy. */
export function chaincodeEndorsers(constitution: Constitution): Endorsers {
  const among = constitution.organisations.map((organisation) => organisation.name)
  return { required: [], among, count: majority(among.length) }
}

/**
 * The private data collections of a channel, in a fixed order: the registry, then two for every placement.
 * A consent collection takes any two members, so that a custodian cannot veto a revocation (it is asked last); an access collection takes
 * the custodian and one other, so that no entry about its documents exists without it and none by it alone.
 */
export function collectionsOf(constitution: Constitution): readonly Collection[] {
  const everyone = chaincodeEndorsers(constitution)
  const placements = constitution.placements.flatMap(({ custodian, members }): Collection[] => [
    {
      name: consentCollection(custodian),
      members,
      endorsers: { required: [], among: members, count: 2, last: custodian },
      ...open,
    },
    {
      name: accessCollection(custodian),
      members,
      endorsers: { required: [custodian], among: members, count: 2 },
      ...open,
    },
  ])
  return [{ name: registry, members: everyone.among, endorsers: everyone, ...open }, ...placements]
}

/** The collection of this name. Errors: INVALID_REQUEST when it is of a placement that the constitution does not have. */
export function collectionNamed(constitution: Constitution, name: string): Collection {
  const collection = collectionsOf(constitution).find((candidate) => candidate.name === name)
  if (collection !== undefined) return collection
  const known = constitution.placements.map(({ custodian }) => custodian).join(', ')
  throw new MedledgerError('INVALID_REQUEST', `There is no such custodian; there are: ${known}.`)
}
