import { readdirSync, readFileSync } from 'node:fs'

type Outcome = 'permit' | 'deny'

/** What a decision must be; only what is named here is compared. */
export interface Expected {
  readonly outcome?: Outcome
  readonly basis?: 'consent' | 'default-policy'
  readonly basedOn?: readonly string[]
  readonly rule?: 'deny-overrides' | 'newest-wins'
  /** In any order, but each record of the case once. */
  readonly records?: readonly { readonly id: string; readonly outcome: Outcome }[]
  /** The code of the refusal of a malformed case, which then has no outcome. */
  readonly error?: string
}

/** A case, as `medledger decide` reads it, and what must come of it. */
export interface Vector {
  readonly file: string
  /** The rule that the vector is about, in a plain sentence. */
  readonly desc: string
  readonly case: { readonly id: string; readonly [member: string]: unknown }
  readonly expect: Expected
}

const folder = new URL('decisions/', import.meta.url)

/** All decision vectors, sorted by the name of their file and then as they stand in it. */
export function readVectors(): Vector[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((file) =>
      (JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Omit<Vector, 'file'>[]).map((vector) => ({
        ...vector,
        file: file.slice(0, -'.json'.length),
      })),
    )
}
