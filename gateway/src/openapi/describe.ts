import type { TSchema } from 'typebox'
import type { GatewayErrorCode } from '../error.ts'

/** What a route says of itself for the document of the interface; its parameters and body are in its own schemas. */
export interface Description {
  /** One line. */
  readonly summary: string
  readonly description?: string
  readonly tag: Tag
  /** Headers that may be sent. */
  readonly headers?: Readonly<Record<string, Described>>
  /** Examples of path and query parameters, by name. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Examples of a body, by name, where one would not tell enough. */
  readonly bodies?: Readonly<Record<string, unknown>>
  readonly answers: Readonly<Record<number, AnswerDescription>>
  /** Codes beside those that every route of its kind can answer. */
  readonly errors?: readonly GatewayErrorCode[]
}

export interface Described {
  readonly description: string
  readonly schema: TSchema
  readonly example: string
}

export interface AnswerDescription {
  readonly description: string
  /** By default application/fhir+json under /fhir, and application/json elsewhere. */
  readonly type?: string
  readonly schema: TSchema
  readonly example: unknown
  readonly headers?: Readonly<Record<string, Described>>
}

export const tags = {
  Records: 'Documents of patients: finding them, and reading them once the access is recorded.',
  Consent: "A patient's own decisions.",
  Account: "Who did what with a patient's records.",
  Registration: 'How patients and documents come onto the ledger.',
  Operation: 'What the gateway says of itself. No token is needed.',
} as const
export type Tag = keyof typeof tags

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly describe?: Description
  }
}
