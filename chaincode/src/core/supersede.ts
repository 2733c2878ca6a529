import type { Directive } from './directive.ts'
import type { Facts } from './facts.ts'

/** Whether a directive that counts replaces this one. Directives that replace each other, directly or round about, all stay. */
export function isSuperseded({ consent }: Directive, { directives, at }: Facts): boolean {
  const counting = directives.filter((other) => other.supersedes !== undefined && counts(other, at))
  return counting.some(
    (other) =>
      other.supersedes?.includes(consent) === true && !replaces(consent, other.consent, counting, new Set()),
  )
}

/** The directives that others replace. */
export function supersededIn(facts: Facts): readonly Directive[] {
  const isReplacing = facts.directives.some(({ supersedes }) => supersedes !== undefined)
  return isReplacing ? facts.directives.filter((directive) => isSuperseded(directive, facts)) : []
}

/** The facts without them. */
export const without = (facts: Facts, superseded: readonly Directive[]): Facts =>
  superseded.length === 0
    ? facts
    : { ...facts, directives: facts.directives.filter((directive) => !superseded.includes(directive)) }

/** What is not understood entirely replaces nothing. */
const counts = ({ root, unclear }: Directive, at: number): boolean =>
  unclear === undefined &&
  (root.start === undefined || at >= root.start) &&
  (root.end === undefined || at <= root.end)

function replaces(from: string, to: string, directives: readonly Directive[], seen: Set<string>): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  const next = directives
    .filter(({ consent }) => consent === from)
    .flatMap(({ supersedes = [] }) => supersedes)
  return next.some((consent) => replaces(consent, to, directives, seen))
}
