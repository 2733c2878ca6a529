import { isObject, listOf } from './json.ts'

export interface Coding {
  readonly system?: string
  readonly code: string
}

/** A Coding; undefined when it has no code. */
export function toCoding(value: unknown): Coding | undefined {
  if (!isObject(value)) return undefined
  const { system, code } = value
  if (typeof code !== 'string' || code === '') return undefined
  return typeof system === 'string' && system !== '' ? { system, code } : { code }
}

/** The codings of a CodeableConcept. */
export const codingsOf = (concept: unknown): Coding[] =>
  isObject(concept) ? listOf(concept['coding']).flatMap((coding) => toCoding(coding) ?? []) : []

/** `system|code`; without a system, `|code`. */
export const codeKey = ({ system = '', code }: Coding): string => `${system}|${code}`

/** A concept's codes in one system; what is in others is not asked for. */
export const codesIn = (concept: unknown, wanted: string): string[] =>
  codingsOf(concept).flatMap(({ system, code }) => (system === wanted ? [code] : []))
