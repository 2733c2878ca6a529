/** A JSON object whose members are looked at one by one, because files come from anywhere. */
export type Json = Readonly<Record<string, unknown>>

export interface Resource extends Json {
  readonly resourceType: string
  readonly id?: string
}

/** A resource and the URL by which others in its bundle refer to it. */
export interface Located {
  readonly fullUrl: string
  readonly resource: Resource
}

export interface Coding {
  readonly system: string
  readonly code: string
  readonly display: string
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const objectAt = (value: unknown, member: string): Json | undefined => {
  const found = isObject(value) ? value[member] : undefined
  return isObject(found) ? found : undefined
}

export const textAt = (value: unknown, member: string): string | undefined => {
  const found = isObject(value) ? value[member] : undefined
  return typeof found === 'string' && found !== '' ? found : undefined
}

/** The objects of a list; a single object counts as a list of one. */
export function objectsAt(value: unknown, member: string): readonly Json[] {
  const found = isObject(value) ? value[member] : undefined
  return (Array.isArray(found) ? (found as unknown[]) : [found]).filter(isObject)
}

/** The text of a Reference's `reference`. */
export const referenceAt = (value: unknown, member: string): string | undefined =>
  textAt(objectAt(value, member), 'reference')

/** What a CodeableConcept says to people. */
export function conceptText(concept: unknown): string | undefined {
  const [coding] = objectsAt(concept, 'coding')
  return textAt(concept, 'text') ?? textAt(coding, 'display') ?? textAt(coding, 'code')
}

/** Every `reference` text in a resource, however deep, in the order of the resource. */
export function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([member, inner]) =>
    member === 'reference' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  )
}
