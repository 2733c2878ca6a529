import { type Answer, allOf, anyOf } from './answer.ts'
import type { Party, Reference, Request, Resource } from './case.ts'

/** `Type/id` of a reference, whatever server and version it names; undefined when it names nothing outside its resource. */
export function localReference(reference: string): string | undefined {
  const named = /(?:^|\/)(?<local>[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/.exec(reference)
  return named?.groups?.['local']
}

const keyOfIdentifier = (system: string, value: string): string => `${system}|${value}`

/** The names that a reference gives to what it points at. */
export function namesIn(reference: Reference): string[] {
  const local = reference.reference === undefined ? undefined : localReference(reference.reference)
  const { system, value } = reference.identifier ?? {}
  return [
    ...(local === undefined ? [] : [local]),
    ...(system === undefined || value === undefined ? [] : [keyOfIdentifier(system, value)]),
  ]
}

const referenceTo = (party: Party): Reference =>
  'reference' in party ? { reference: party.reference } : { identifier: party }

export const namesOfParties = (parties: readonly Party[]): string[] =>
  parties.flatMap((party) => namesIn(referenceTo(party)))

interface Listed extends Resource {
  readonly identifier?: readonly { readonly system?: string; readonly value?: string }[]
  readonly practitioner?: Reference
  readonly organization?: Reference
  readonly actual?: boolean
  readonly member?: readonly { readonly entity?: Reference; readonly inactive?: boolean }[]
}

function namesOfListed({ resourceType, id, identifier = [] }: Listed): string[] {
  return [`${resourceType}/${id}`, ...identifier.flatMap((each) => namesIn({ identifier: each }))]
}

const listedAs = (names: readonly string[], directory: readonly Resource[]): Listed | undefined =>
  directory.find((listed: Listed) => namesOfListed(listed).some((name) => names.includes(name)))

/** The names of something, those of the directory included. */
export function allNames(names: readonly string[], directory: readonly Resource[]): string[] {
  const listed = listedAs(names, directory)
  return listed === undefined ? [...names] : [...names, ...namesOfListed(listed)]
}

/**
 * Whether what a rule refers to is among those of the given names: itself, for a group one of its members, for a role its person
 * and its organisation.
 */
export function isPresent(
  rule: Reference,
  present: readonly string[],
  directory: readonly Resource[],
): Answer {
  const names = namesIn(rule)
  if (names.length === 0) return 'unknown'
  if (allNames(names, directory).some((name) => present.includes(name))) return 'yes'
  return isPresentInParts(rule, present, directory)
}

function isPresentInParts(
  rule: Reference,
  present: readonly string[],
  directory: readonly Resource[],
): Answer {
  const names = namesIn(rule)
  const listed = listedAs(names, directory)
  const type = listed?.resourceType ?? rule.type ?? names[0]?.split('/')[0]
  if (type === 'CareTeam') return 'unknown'
  if (type === 'Group') return isMemberPresent(listed, present, directory)
  return type === 'PractitionerRole' ? isRolePresent(listed, present, directory) : 'no'
}

/** A role is its person and its organisation, as far as it names them; of one that nobody knows they cannot be told. */
function isRolePresent(
  role: Listed | undefined,
  present: readonly string[],
  directory: readonly Resource[],
): Answer {
  if (role === undefined) return 'unknown'
  const parts = [role.practitioner, role.organization].filter((part) => part !== undefined)
  return parts.length === 0 ? 'no' : allOf(parts.map((part) => isPresent(part, present, directory)))
}

function isMemberPresent(
  group: Listed | undefined,
  present: readonly string[],
  directory: readonly Resource[],
): Answer {
  if (group?.member === undefined || group.actual === false) return 'unknown'
  const members = group.member.filter(({ inactive }) => inactive !== true)
  return anyOf(members.map(({ entity }) => isPresent(entity ?? {}, present, directory)))
}

/** The names of an author: whoever writes in a role writes as its person and for its organisation. */
export function namesOfAuthor(author: Reference, directory: readonly Resource[]): string[] {
  const names = namesIn(author)
  const role = listedAs(names, directory)
  const parts = [role?.practitioner, role?.organization].filter((part) => part !== undefined)
  return [...allNames(names, directory), ...parts.flatMap((part) => allNames(namesIn(part), directory))]
}

const manifold: ReadonlySet<string | undefined> = new Set(['PractitionerRole', 'Group', 'CareTeam'])

/** Whether it can be told who an author is: by a reference to one person or organisation, or by the directory. */
function isIdentified(author: Reference, directory: readonly Resource[]): boolean {
  const names = namesIn(author)
  if (listedAs(names, directory) !== undefined) return true
  const local = names.find((name) => !name.includes('|'))
  return local !== undefined && !manifold.has(local.split('/')[0])
}

/** Of what a group has written nobody can tell who in it did. */
function isSeveral(author: Reference, directory: readonly Resource[]): boolean {
  const names = namesIn(author)
  const type = listedAs(names, directory)?.resourceType ?? names[0]?.split('/')[0]
  return type === 'Group' || type === 'CareTeam'
}

/** Whether it can be told that an author is not whom a rule names: by who they are, or by an identifier of the same system. */
export function canBeToldFrom(rule: Reference, author: Reference, directory: readonly Resource[]): boolean {
  if (!isIdentified(author, directory) || isSeveral(author, directory)) return false
  const system = rule.identifier?.system
  const known = namesOfAuthor(author, directory)
  return isIdentified(rule, directory) || known.some((name) => name.startsWith(`${system}|`))
}

/** Whether a reference points at the patient of a request; unknown when the two cannot be compared. */
export function isPatient(
  reference: Reference | undefined,
  { patient }: Request,
  directory: readonly Resource[],
): Answer {
  const asked = allNames(
    namesIn(typeof patient === 'string' ? { reference: patient } : { identifier: patient }),
    directory,
  )
  const named = allNames(namesIn(reference ?? {}), directory)
  if (named.some((name) => asked.includes(name))) return 'yes'
  const kindOf = (name: string): string => (name.includes('|') ? (name.split('|')[0] ?? '') : 'reference')
  const kinds = new Set(asked.map(kindOf))
  return named.some((name) => kinds.has(kindOf(name))) ? 'no' : 'unknown'
}
