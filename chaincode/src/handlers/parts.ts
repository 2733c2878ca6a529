import type { Descriptor, DocumentOutcome, DocumentParts } from '../api/index.ts'
import { denialOfParts, type Facts } from '../core/index.ts'

/**
 * What was decided about documents, and of those that are permitted as a whole, whether something inside them is denied: then
 * they are denied altogether, until the rest can be shown without it.
 */
export function withParts(
  outcomes: readonly DocumentOutcome[],
  descriptors: readonly (Descriptor | undefined)[],
  factsAbout: (document: Descriptor) => Facts,
  parts: readonly DocumentParts[],
): DocumentOutcome[] {
  return outcomes.map((decided) => {
    const found = descriptors.find((descriptor) => descriptor?.document === decided.document)
    const inside = parts.filter(({ document }) => document === decided.document).flatMap((some) => some.parts)
    if (found === undefined || inside.length === 0) return decided
    const facts = factsAbout(found)
    const [record] = facts.records
    const basedOn = record && denialOfParts(facts, record, inside)
    if (basedOn === undefined || decided.outcome === 'deny') return decided
    return { ...decided, outcome: 'deny', basis: 'denied-in-part', basedOn: [...basedOn] }
  })
}
