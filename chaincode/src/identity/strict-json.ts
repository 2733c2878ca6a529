import { tokenLimits } from './limits.ts'
import { invalidToken } from './refusal.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The JSON object in these bytes, when every reader would understand the same of it: UTF-8 without a byte order mark, no name twice
 * in an object at any depth (RFC 7515, section 4, and RFC 8725, section 2.4), no half of a surrogate pair, whole numbers in
 * one spelling and within what a double holds exactly (RFC 7493, section 2), and within the limits of depth and size.
 * Errors: INVALID_TOKEN.
 */
export function parseStrictJson(bytes: Uint8Array): JsonObject {
  const text = decodeUtf8(bytes)
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidToken()
  requireStrict(text)
  return value as JsonObject
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalidToken()
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidToken()
  }
}

/** The tokens of a text that is known to be JSON; literals and white space need no look. */
const tokens = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[[\]{},:]/g

/** One spelling for a whole number; minus nought is none. */
const wholeNumber = /^(?:0|-?[1-9][0-9]*)$/

/** Walks a text that `JSON.parse` has accepted, so that its grammar need not be checked again. */
function requireStrict(text: string): void {
  /** The names so far in each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = []
  let count = 0
  let last = ''
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') requireNew(open.at(-1), last)
    else requireLiteral(token)
    last = token
    count += 1
    if (open.length > tokenLimits.depth || count > tokenLimits.jsonTokens) throw invalidToken()
  }
}

function requireLiteral(token: string): void {
  if (token.startsWith('"')) requireUnicode(token)
  else if (token !== ',') requireExact(token)
}

function requireNew(names: Set<string> | undefined, literal: string): void {
  // Compared as it is read: an escaped name is the same as the plain one.
  const name = JSON.parse(literal) as string
  if (names === undefined || names.has(name)) throw invalidToken()
  names.add(name)
}

function requireUnicode(literal: string): void {
  if (!(JSON.parse(literal) as string).isWellFormed()) throw invalidToken()
}

function requireExact(literal: string): void {
  const value = Number(literal)
  if (!Number.isFinite(value)) throw invalidToken()
  if (Number.isInteger(value) && !(Number.isSafeInteger(value) && wholeNumber.test(literal)))
    throw invalidToken()
}
