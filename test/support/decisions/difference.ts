import type { CaseDecision, DecisionCase, Ground } from './case.ts'
import { deniedGrounds, permittedGrounds, referenceDecide } from './reference.ts'

const textOf = ({ basis, basedOn }: Ground): string => `${basis} ${basedOn.join(' ')}`

function isAmong(grounds: Iterable<Ground>, ground: Ground): boolean {
  for (const each of grounds) if (textOf(each) === textOf(ground)) return true
  return false
}

/**
 * How a decision differs from the reference's; undefined when it does not. What an outcome rests on may be that of any conceivable
 * record that has it, for a case does not say which record is meant.
 */
export function difference(decision: CaseDecision, input: DecisionCase): string | undefined {
  const reference = referenceDecide(input)
  if (decision.outcome !== reference.outcome) {
    return `${decision.outcome} by ${textOf(decision)} instead of ${reference.outcome} by ${textOf(reference)}`
  }
  const outcomes = ({ records }: CaseDecision): string =>
    records.map(({ id, outcome }) => `${id} ${outcome}`).join(', ')
  if (outcomes(decision) !== outcomes(reference)) {
    return `${outcomes(decision)} instead of ${outcomes(reference)}`
  }
  const isGrounded =
    textOf(decision) === textOf(reference) ||
    isAmong(decision.outcome === 'permit' ? permittedGrounds(input) : deniedGrounds(input), decision)
  return isGrounded ? undefined : `${decision.outcome} by ${textOf(decision)} instead of ${textOf(reference)}`
}
