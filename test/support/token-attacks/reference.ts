import { constants, createHmac, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { visit } from 'jsonc-parser'
import type { Issuer, SigningKey, TokenProfile } from 'medledger-chaincode/api'
import { isLowSignature } from './scene.ts'

/*
 * A second verifier, written from the rules and not from the product's code, which can leave out any one of them. With all
 * rules it says what the product's verifier must say; each rule that is left out shows whether the attacks would find it.
 */

export const rules = [
  'three parts',
  'one spelling of base64url',
  'a length',
  'UTF-8',
  'no byte order mark',
  'names once',
  'whole characters',
  'exact numbers',
  'a depth',
  'a number of values',
  'known header members',
  'a key of the issuer',
  'keys that are not revoked',
  'a type',
  'the algorithm of the key',
  'no key from the token',
  'a signature',
  'the smaller s',
  'one form of the signature',
  'an audience',
  'one audience',
  'texts',
  'no control characters',
  'a list of roles',
  'whole instants',
  'an end after the beginning',
  'a short life',
  'not from the future',
  'not before its time',
  'not expired',
  'its organisation',
  'an access token',
  'sound purposes',
] as const
export type Rule = (typeof rules)[number]

export interface KnownKey {
  readonly issuer: string
  readonly kid: string
  readonly key: SigningKey
  readonly revoked: boolean
}

export interface Reference {
  readonly issuers: readonly Issuer[]
  readonly keys: readonly KnownKey[]
  readonly audience: string
  /** Milliseconds since 1970 (UTC). */
  readonly at: number
}

type Json = Record<string, unknown>
type Must = (rule: Rule, holds: boolean) => void

class Refused extends Error {}

/** Whether the token would be accepted when one rule is left out. */
export function acceptsWithout(omitted: Rule | undefined, token: string, reference: Reference): boolean {
  const must: Must = (rule, holds) => {
    if (!holds && rule !== omitted) throw new Refused(rule)
  }
  const has = (rule: Rule): boolean => rule !== omitted
  try {
    const [header, payload, signature] = readParts(token, must, has)
    const head = readJson(Buffer.from(header, 'base64'), must, has)
    const body = readJson(Buffer.from(payload, 'base64'), must, has)
    const key = keyFor(head, body, reference, must)
    const signed = Buffer.from(`${header}.${payload}`)
    must('a signature', isSigned(signed, Buffer.from(signature, 'base64'), head, key, has))
    judge(head, body, reference, must)
    return true
  } catch {
    return false
  }
}

function readParts(token: string, must: Must, has: (rule: Rule) => boolean): [string, string, string] {
  const spelling = 'one spelling of base64url'
  const parts = (has(spelling) ? token : token.trim()).split('.')
  must('three parts', parts.length === 3)
  for (const part of parts)
    must(spelling, part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part)
  const [header = '', payload = '', signature = ''] = parts
  const longest = [token, header, payload, signature].map(({ length }) => length)
  must(
    'a length',
    [4096, 256, 3500, 683].every((most, index) => (longest[index] ?? 0) <= most),
  )
  return [header, payload, signature]
}

function readJson(bytes: Buffer, must: Must, has: (rule: Rule) => boolean): Json {
  const decoder = new TextDecoder('utf-8', { fatal: has('UTF-8'), ignoreBOM: has('no byte order mark') })
  const text = decoder.decode(bytes)
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refused('an object')
  examine(text, must)
  return value as Json
}

/** What JSON.parse does not tell, read with another parser. */
function examine(text: string, must: Must): void {
  const names: Set<string>[] = []
  let depth = 0
  let marks = 0
  const open = (): void => {
    depth += 1
    must('a depth', depth <= 6)
  }
  visit(text, {
    onObjectBegin: () => {
      open()
      names.push(new Set())
    },
    onObjectEnd: () => {
      depth -= 1
      names.pop()
    },
    onArrayBegin: open,
    onArrayEnd: () => void (depth -= 1),
    onObjectProperty: (name) => {
      must('names once', names.at(-1)?.has(name) === false)
      must('whole characters', name.isWellFormed())
      names.at(-1)?.add(name)
      marks += 1
    },
    onSeparator: () => void (marks += 1),
    onLiteralValue: (value: unknown, offset, length) => {
      marks += 1
      if (typeof value === 'string') must('whole characters', value.isWellFormed())
      if (typeof value === 'number')
        must('exact numbers', isExact(value, text.slice(offset, offset + length)))
    },
  })
  must('a number of values', marks <= 1024)
}

const isExact = (value: number, literal: string): boolean =>
  Number.isInteger(value) ? Number.isSafeInteger(value) && String(value) === literal : Number.isFinite(value)

function keyFor(header: Json, payload: Json, { issuers, keys }: Reference, must: Must): SigningKey {
  const names = Object.keys(header).filter((name) => name !== 'jwk')
  must(
    'known header members',
    names.length === 3 && ['alg', 'kid', 'typ'].every((name) => names.includes(name)),
  )
  // A verifier that takes a key from the token has no use for the ledger's.
  const embedded = header['jwk'] as SigningKey | undefined
  must('no key from the token', embedded === undefined)
  if (embedded !== undefined) return embedded
  const known = issuers.some(({ issuer }) => issuer === payload['iss'])
  const named = keys.filter(({ kid }) => kid === header['kid'])
  const own = named.find(({ issuer }) => issuer === payload['iss'])
  must('a key of the issuer', known && own !== undefined)
  const found = own ?? named[0]
  if (found === undefined) throw new Refused('a key')
  must('keys that are not revoked', !found.revoked)
  return found.key
}

const hashOf = (alg: string): string => `sha${alg.slice(2)}`

function isSigned(
  signed: Buffer,
  signature: Buffer,
  { alg: said }: Json,
  key: SigningKey,
  has: (rule: Rule) => boolean,
): boolean {
  const { alg: registered, ...jwk } = key
  if (has('the algorithm of the key') && said !== registered) return false
  const object = createPublicKey({ key: jwk, format: 'jwk' })
  const alg = has('the algorithm of the key') ? registered : String(said)
  if (/^none$/i.test(alg)) return true
  if (alg.startsWith('HS')) {
    const pem = object.export({ type: 'spki', format: 'pem' })
    return createHmac(hashOf(alg), pem).update(signed).digest().equals(signature)
  }
  return isSignedByKey(signed, signature, alg, object, has)
}

function isSignedByKey(
  signed: Buffer,
  signature: Buffer,
  alg: string,
  key: KeyObject,
  has: (rule: Rule) => boolean,
): boolean {
  if (alg.startsWith('PS'))
    return verify(
      hashOf(alg),
      signed,
      { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
      signature,
    )
  if (alg.startsWith('RS'))
    return verify(hashOf(alg), signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
  if (alg === 'EdDSA') return verify(null, signed, key, signature)
  if (has('the smaller s') && signature.length === 64 && !isLowSignature(signature)) return false
  if (!has('one form of the signature') && signature.length !== 64)
    return verify('sha256', signed, key, signature)
  return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, name) =>
      inner !== null && typeof inner === 'object' && Object.hasOwn(inner, name)
        ? (inner as Json)[name]
        : undefined,
    value,
  )

const isText = (value: unknown): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= 200
const isPlain = (value: unknown): boolean => typeof value !== 'string' || !/\p{Cc}/u.test(value)
const isList = (value: unknown, most: number): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= most &&
  value.every((item) => isText(item) && isPlain(item))
const isInstant = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0
const single = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value)

function judge(header: Json, payload: Json, reference: Reference, must: Must): void {
  const profile = reference.issuers.find((known) => known.issuer === payload['iss'])?.token ?? {}
  must('a type', header['typ'] === (profile.type ?? 'at+jwt'))
  const audiences = [payload['aud']].flat()
  must('one audience', audiences.length === 1)
  must('an audience', audiences.includes(reference.audience))
  for (const name of ['iss', 'sub', 'jti', profile.clientClaim ?? 'client_id']) {
    must('texts', isText(payload[name]))
    must('no control characters', isPlain(payload[name]))
  }
  must('a list of roles', isList(at(payload, profile.rolesClaim ?? ['roles']), 50))
  judgeKind(payload, profile.organisationClaim, must)
  judgeTimes(payload, reference.at / 1000, must)
}

function judgeKind(payload: Json, organisation: TokenProfile['organisationClaim'], must: Must): void {
  const found = organisation && single(at(payload, organisation.path))
  must('its organisation', found === organisation?.value)
  const foreign = ['at_hash', 'c_hash', 's_hash', 'events', 'cnf'].some((name) => name in payload)
  must('an access token', !foreign && ['Bearer', undefined].includes(payload['typ'] as string | undefined))
  const { purpose_of_use: purposes } = payload
  must('sound purposes', purposes === undefined || isList([purposes].flat(), 20))
}

function judgeTimes({ iat, exp, nbf = 0 }: Json, now: number, must: Must): void {
  must('whole instants', [iat, exp, nbf].every(isInstant))
  const [begins, ends, starts] = [Number(iat), Number(exp), Number(nbf)]
  must('an end after the beginning', !(ends <= begins) && !(ends <= starts))
  must('a short life', !(ends - begins > 600))
  must('not from the future', !(begins > now + 10))
  must('not before its time', !(starts > now + 10))
  must('not expired', !(ends <= now - 10))
}
