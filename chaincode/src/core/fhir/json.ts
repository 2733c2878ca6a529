export type Json = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const listOf = (value: unknown): readonly unknown[] => {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

/**
 * Every object below a value, itself first, with the name of the member that it stands in; without recursion, so that no
 * depth of nesting can exhaust the stack.
 */
export function* objectsIn(root: unknown): Generator<{ readonly name: string; readonly object: Json }> {
  const left: { readonly name: string; readonly value: unknown }[] = [{ name: '', value: root }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { name, value } = next
    if (Array.isArray(value)) for (const item of value) left.push({ name, value: item })
    else if (isObject(value)) {
      yield { name, object: value }
      for (const [member, inner] of Object.entries(value)) left.push({ name: member, value: inner })
    }
  }
}
