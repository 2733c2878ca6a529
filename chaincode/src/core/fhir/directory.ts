import { mustBeResolved } from '../directive.ts'
import { spanOf, utc } from '../period.ts'
import { isObject, listOf, type Json } from './json.ts'
import { identifiersOf, ownReference, toTarget, type Target } from './reference.ts'

/** What is known of people, organisations and groups beside what a request says. */
export interface Directory {
  /** Adds to names (`Type/id`, `system|value`) all others of the same people and of the groups that they are in. */
  expand(names: Iterable<string>): ReadonlySet<string>
  /** Groups whose members are all known, and roles of known people. */
  readonly groups: ReadonlySet<string>
  /** Whose role a PractitionerRole is, and where; undefined when that is not known. */
  partsOfRole(reference: string): readonly Target[] | undefined
}

/** Memberships and roles count at the instant `at`, in milliseconds since 1970 (UTC), or always when that is not given. */
export function readDirectory(resources: readonly Json[], at?: number): Directory {
  const groups = resources.filter(
    (resource) => resource['resourceType'] === 'Group' && listsMembers(resource),
  )
  const roles = resources.filter(({ resourceType }) => resourceType === 'PractitionerRole')
  const known = roles.filter((role) => partsOf(role).length > 0).flatMap((role) => ownReference(role) ?? [])
  return {
    groups: closedGroups(groups, new Set(known)),
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
          if (membersOf(group, at).some((member) => isAmong(member, known))) addOwn(group, known)
        for (const role of roles) if (isCurrent(role, at) && isInRole(role, known)) addOwn(role, known)
      }
      return known
    },
  }
}

/** A group that is only described (not actual) has no members, whatever it lists. */
const listsMembers = ({ actual, member }: Json): boolean => actual !== false && Array.isArray(member)

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

/** The members at an instant; without one, all that there were and will be. */
const membersOf = ({ member }: Json, at?: number): Target[] =>
  listOf(member).flatMap((item) => (isObject(item) && isCurrent(item, at) ? [toTarget(item['entity'])] : []))

/** Whether a membership or role counts: one whose time cannot be read does not. */
function isCurrent({ inactive, active, period }: Json, at: number | undefined): boolean {
  if (inactive === true || active === false) return false
  return period === undefined || at === undefined || includes(period, at)
}

function includes(period: unknown, at: number): boolean {
  if (!isObject(period)) return false
  const { start, end } = period
  const first = start === undefined ? Number.NEGATIVE_INFINITY : spanOf(start, utc)?.first
  const last = end === undefined ? Number.POSITIVE_INFINITY : spanOf(end, utc)?.last
  return at >= (first ?? Number.POSITIVE_INFINITY) && at <= (last ?? Number.NEGATIVE_INFINITY)
}

const isAmong = ({ reference, identifier }: Target, known: ReadonlySet<string>): boolean =>
  (reference !== undefined && known.has(reference)) || (identifier !== undefined && known.has(identifier))

/** A role is a person's at an organisation: both must be known, as far as it says. */
function isInRole(role: Json, known: ReadonlySet<string>): boolean {
  const parts = partsOf(role)
  return parts.length > 0 && parts.every((part) => isAmong(part, known))
}

const partsOf = ({ practitioner, organization }: Json): Target[] =>
  [practitioner, organization].filter((part) => part !== undefined).map(toTarget)

/** Groups whose members are known, the groups among them included, and what is known anyway. */
function closedGroups(groups: readonly Json[], roles: ReadonlySet<string>): ReadonlySet<string> {
  const known = new Set([...roles, ...groups.flatMap((group) => ownReference(group) ?? [])])
  const isOpen = ({ reference = '', identifier }: Target): boolean =>
    mustBeResolved(reference) ? !known.has(reference) : reference === '' && identifier === undefined
  for (let before = -1; before !== known.size;) {
    before = known.size
    for (const group of groups) if (membersOf(group).some(isOpen)) known.delete(ownReference(group) ?? '')
  }
  return known
}
