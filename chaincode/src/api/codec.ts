import { createHash, randomBytes } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Static, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { limits } from './common.ts'
import { MedledgerError } from './error.ts'
import {
  transactions,
  type FieldsOf,
  type RequestOf,
  type ResponseOf,
  type TransactionName,
} from './transactions.ts'

/**
 * The JSON Canonicalization Scheme, RFC 8785: the same text on every endorser.
 * Errors: INVALID_REQUEST for a text that is not Unicode or a number that is not finite, INTERNAL for what is no JSON.
 */
export function canonical(value: unknown): string {
  const text = canonicalized(value)
  if (text === undefined)
    throw new MedledgerError('INTERNAL', 'A value without a JSON form was to be written.')
  return text
}

function canonicalized(value: unknown): string | undefined {
  try {
    return canonicalize(value)
  } catch (cause) {
    throw new MedledgerError('INVALID_REQUEST', 'A text or a number in it has no canonical form.', { cause })
  }
}

export const sha256Hex = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex')

/** 128 random bits in hexadecimal. */
export const randomId = (): string => randomBytes(16).toString('hex')

/** A request on its way: the block shows name and commitment, only the endorsers see the rest. */
export interface SealedRequest {
  readonly name: TransactionName
  /** The public argument: SHA-256 of the request, which its own salt makes unguessable. */
  readonly commitment: string
  readonly transient: Readonly<Record<string, Uint8Array>>
}

const validators = new Map<TSchema, Validator>()

function validatorOf(schema: TSchema): Validator {
  const known = validators.get(schema)
  if (known !== undefined) return known
  const compiled = Compile(schema)
  validators.set(schema, compiled)
  return compiled
}

/**
 * The value as the schema's type. Errors: INVALID_REQUEST naming up to five places that are wrong, never their values.
 */
export function check<Schema extends TSchema>(schema: Schema, value: unknown, what: string): Static<Schema> {
  const validator = validatorOf(schema)
  if (validator.Check(value)) return value as Static<Schema>
  const faults = [...validator.Errors(value)]
    .slice(0, 5)
    .map((fault) => `${fault.instancePath || '/'} ${fault.message}`)
  throw new MedledgerError('INVALID_REQUEST', `The ${what} is not well formed: ${faults.join('; ')}.`)
}

/** Completes a request with its id and salt. A retry passes both, so that it is the same request. */
export function complete<N extends TransactionName>(
  fields: FieldsOf<N>,
  identity: { readonly request: string; readonly salt: string } = { request: randomId(), salt: randomId() },
): RequestOf<N> {
  return { ...fields, ...identity } as RequestOf<N>
}

/** Seals a request for submission or evaluation. Errors: INVALID_REQUEST when it is malformed or too large. */
export function seal<N extends TransactionName>(
  name: N,
  request: RequestOf<N>,
  token?: string,
): SealedRequest {
  const text = canonical(check(transactions[name].request, request, 'request'))
  requireSize(text)
  const transient: Record<string, Uint8Array> = { request: Buffer.from(text, 'utf8') }
  if (token !== undefined) transient['token'] = Buffer.from(token, 'utf8')
  return { name, commitment: sha256Hex(text), transient }
}

/**
 * The request in an endorser's hands. Errors: INVALID_REQUEST when it is not the one that was committed to, not in
 * canonical form (which also rules out duplicate member names) or not of its schema.
 */
export function unseal<N extends TransactionName>(
  name: N,
  commitment: string,
  bytes: Uint8Array,
): RequestOf<N> {
  const text = decodeUtf8(bytes)
  requireSize(text)
  if (sha256Hex(text) !== commitment) {
    throw new MedledgerError('INVALID_REQUEST', 'The request is not the one that the commitment names.')
  }
  const value = parse(text)
  if (canonical(value) !== text)
    throw new MedledgerError('INVALID_REQUEST', 'The request is not canonical JSON.')
  return check(transactions[name].request, value, 'request') as RequestOf<N>
}

export function encodeResponse<N extends TransactionName>(name: N, response: ResponseOf<N>): string {
  return canonical(check(transactions[name].response, response, 'response'))
}

export function decodeResponse<N extends TransactionName>(name: N, bytes: Uint8Array): ResponseOf<N> {
  return check(transactions[name].response, parse(decodeUtf8(bytes)), 'response') as ResponseOf<N>
}

function requireSize(text: string): void {
  if (Buffer.byteLength(text, 'utf8') > limits.requestBytes) {
    throw new MedledgerError('LIMIT_EXCEEDED', `A request may have at most ${limits.requestBytes} bytes.`)
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new MedledgerError('INVALID_REQUEST', 'The request is not UTF-8 text.')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new MedledgerError('INVALID_REQUEST', 'The request is not JSON.')
  }
}
