import { isObject, listOf, type Json } from './json.ts'

/** What a Reference names: `Type/id` or a URN, and `system|value`. */
export interface Target {
  readonly reference?: string
  readonly identifier?: string
}

const literal = /(?:^|\/)([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/

/**
 * A literal reference as `Type/id`, whatever server and version it names, or as a URN (HL7 FHIR R4, References 2.3.0.1);
 * undefined for one into the resource itself and for what is none.
 */
export function toLiteral(reference: unknown): string | undefined {
  if (typeof reference !== 'string') return undefined
  if (reference.startsWith('urn:')) return reference
  const match = literal.exec(reference)
  return match ? `${match[1]}/${match[2]}` : undefined
}

/** `system|value` of an Identifier that has both. */
export function toIdentifier(value: unknown): string | undefined {
  if (!isObject(value)) return undefined
  const { system, value: text } = value
  return typeof system === 'string' && typeof text === 'string' && text !== ''
    ? `${system}|${text}`
    : undefined
}

/** What a Reference names; empty when that cannot be told, as of one with a display only. */
export function toTarget(value: unknown): Target {
  if (!isObject(value)) return {}
  const reference = toLiteral(value['reference'])
  const identifier = toIdentifier(value['identifier'])
  return { ...(reference !== undefined && { reference }), ...(identifier !== undefined && { identifier }) }
}

/** `Type/id` of a resource. */
export function ownReference({ resourceType, id }: Json): string | undefined {
  return typeof resourceType === 'string' && typeof id === 'string' ? `${resourceType}/${id}` : undefined
}

/** `system|value` of each of a resource's identifiers. */
export const identifiersOf = ({ identifier }: Json): string[] =>
  listOf(identifier).flatMap((item) => toIdentifier(item) ?? [])
