import { isGroup } from '../directive.ts'
import { isObject, listOf, type Json } from './json.ts'
import { identifiersOf, ownReference, toTarget, type Target } from './reference.ts'

/** What is known of people, organisations and groups beside what a request says. */
export interface Directory {
  /** Adds to names (`Type/id`, `system|value`) all others of the same people and of the groups that they are in. */
  expand(names: Iterable<string>): ReadonlySet<string>
  /** Groups whose members are all known. */
  readonly groups: ReadonlySet<string>
  /** Whose role a PractitionerRole is, and where; undefined when that is not known. */
  partsOfRole(reference: string): readonly Target[] | undefined
}

export function readDirectory(resources: readonly Json[]): Directory {
  const groups = resources.filter(({ resourceType }) => resourceType === 'Group')
  const roles = resources.filter(({ resourceType }) => resourceType === 'PractitionerRole')
  return {
    groups: closedGroups(groups),
    partsOfRole(reference) {
      const role = roles.find((resource) => ownReference(resource) === reference)
      return role && partsOf(role)
    },
    expand(names) {
      const known = new Set(names)
      if (resources.length === 0) return known
      // A group may be in a group: until nothing is added any more.
      for (let before = -1; before < known.size;) {
        before = known.size
        for (const resource of resources) addAliases(resource, known)
        for (const group of groups)
          if (membersOf(group).some((member) => isAmong(member, known))) addOwn(group, known)
        for (const role of roles) if (isInRole(role, known)) addOwn(role, known)
      }
      return known
    },
  }
}

/** A resource's reference and identifiers name the same. */
function addAliases(resource: Json, known: Set<string>): void {
  const reference = ownReference(resource)
  const names = [...identifiersOf(resource), ...(reference === undefined ? [] : [reference])]
  if (names.some((name) => known.has(name))) for (const name of names) known.add(name)
}

function addOwn(resource: Json, known: Set<string>): void {
  const reference = ownReference(resource)
  if (reference !== undefined) known.add(reference)
}

const membersOf = ({ member }: Json): Target[] =>
  listOf(member).flatMap((item) =>
    isObject(item) && item['inactive'] !== true ? [toTarget(item['entity'])] : [],
  )

const isAmong = ({ reference, identifier }: Target, known: ReadonlySet<string>): boolean =>
  (reference !== undefined && known.has(reference)) || (identifier !== undefined && known.has(identifier))

/** A role is a person's at an organisation: both must be known, as far as it says. */
function isInRole(role: Json, known: ReadonlySet<string>): boolean {
  const parts = partsOf(role)
  return parts.length > 0 && parts.every((part) => isAmong(part, known))
}

const partsOf = ({ practitioner, organization }: Json): Target[] =>
  [practitioner, organization].filter((part) => part !== undefined).map(toTarget)

/** Groups that list their members, the groups among them included. */
function closedGroups(groups: readonly Json[]): ReadonlySet<string> {
  const listed = groups.filter(({ actual, member }) => actual !== false && Array.isArray(member))
  const known = new Set(listed.flatMap((group) => ownReference(group) ?? []))
  const isOpen = ({ reference = '', identifier }: Target): boolean =>
    isGroup(reference) ? !known.has(reference) : reference === '' && identifier === undefined
  for (let before = -1; before !== known.size;) {
    before = known.size
    for (const group of listed) if (membersOf(group).some(isOpen)) known.delete(ownReference(group) ?? '')
  }
  return known
}
