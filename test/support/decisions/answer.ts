/** Whether a condition holds: `unknown` permits nothing in a permit and still denies in a deny. */
export type Answer = 'yes' | 'no' | 'unknown'

export const answer = (holds: boolean): Answer => (holds ? 'yes' : 'no')

export function anyOf(answers: readonly Answer[]): Answer {
  if (answers.includes('yes')) return 'yes'
  return answers.includes('unknown') ? 'unknown' : 'no'
}

export function allOf(answers: readonly Answer[]): Answer {
  if (answers.includes('no')) return 'no'
  return answers.includes('unknown') ? 'unknown' : 'yes'
}
