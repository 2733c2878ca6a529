import { generateKeyPairSync } from 'node:crypto'
import { check, Instant, randomId, type SigningKey } from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import { parseFile, readIfPresent, replaceFile, toText, writeOnce } from '../development/index.ts'

const Coordinate = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })
const closed = { additionalProperties: false } as const

/** One ES256 key of a development provider. */
const ProviderKey = Type.Object(
  {
    kid: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    key: Type.Object(
      {
        kty: Type.Literal('EC'),
        crv: Type.Literal('P-256'),
        x: Coordinate,
        y: Coordinate,
        /** The private part; gone from a key that is revoked. */
        d: Type.Optional(Coordinate),
      },
      closed,
    ),
    /** When it begins to sign; absent until the ledger has it. */
    signsFrom: Type.Optional(Instant),
    /** Set while the ledger has still to be told that it is revoked. */
    isBeingRevoked: Type.Optional(Type.Literal(true)),
  },
  closed,
)
export type ProviderKey = Static<typeof ProviderKey>

/**
 * A development provider's keys, as its organisation keeps them: the ledger has their public halves. The newest key
 * whose time has come signs.
 */
const ProviderKeys = Type.Object(
  {
    issuer: Type.String({ minLength: 1 }),
    organisation: Type.String({ minLength: 1 }),
    keys: Type.Array(ProviderKey),
  },
  closed,
)
export type ProviderKeys = Static<typeof ProviderKeys>

/** The lifetime of a development token, in seconds; the ledger itself takes at most ten minutes. */
export const tokenLifetimeSeconds = 300

/**
 * How long after its successor took over a key must stay on the ledger: its last tokens' lifetime, and two minutes for
 * what is under way with them and for clocks that differ.
 */
export const overlapMs = (tokenLifetimeSeconds + 120) * 1000

/** Between a key's commit and its first signature: other organisations' peers hold its block by then. */
export const leadMs = 3000

/**
 * | state | |
 * |---|---|
 * | new | made, and not on the ledger yet |
 * | next | on the ledger; signs in a moment |
 * | signing | signs |
 * | overlapping | signs no more, and its last tokens may still be in use |
 * | retired | none of its tokens can be in use any more: it can be revoked without harm |
 * | revoked | never signs again, and its private part is gone |
 */
export type KeyState = 'new' | 'next' | 'signing' | 'overlapping' | 'retired' | 'revoked'

const begin = ({ signsFrom }: ProviderKey): number =>
  signsFrom === undefined ? Number.POSITIVE_INFINITY : Date.parse(signsFrom)

/** The key that signs at an instant (milliseconds since 1970, UTC); undefined when there is none. */
export function signingKey({ keys }: ProviderKeys, at: number): ProviderKey | undefined {
  return keys
    .filter((key) => key.key.d !== undefined && begin(key) <= at)
    .toSorted((one, other) => begin(one) - begin(other))
    .at(-1)
}

export function stateOf(keys: ProviderKeys, key: ProviderKey, at: number): KeyState {
  if (key.key.d === undefined) return 'revoked'
  if (key.signsFrom === undefined) return 'new'
  if (begin(key) > at) return 'next'
  const signing = signingKey(keys, at)
  if (signing === undefined || signing.kid === key.kid) return 'signing'
  return begin(nextOf(keys, key) ?? signing) + overlapMs > at ? 'overlapping' : 'retired'
}

/** The key that took over from this one. */
const nextOf = ({ keys }: ProviderKeys, key: ProviderKey): ProviderKey | undefined =>
  keys
    .filter((other) => other.key.d !== undefined && begin(other) > begin(key))
    .toSorted((one, other) => begin(one) - begin(other))[0]

/** The part of a key that goes on the ledger. */
export const publicKeyOf = ({ key: { kty, crv, x, y } }: ProviderKey): SigningKey => ({
  kty,
  crv,
  x,
  y,
  alg: 'ES256',
})

/** A fresh key, which signs nothing before {@link ProviderKey.signsFrom} is set. */
export function newKey(organisation: string): ProviderKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '', d = '' } = privateKey.export({ format: 'jwk' })
  const key = { kty: 'EC', crv: 'P-256', x, y, d } as const
  return { kid: `${organisation}-${randomId().slice(0, 16)}`, key }
}

/** Errors: one line that names a damaged file, and never its content. */
export function parseKeys(file: string, text: string): ProviderKeys {
  try {
    return check(ProviderKeys, parseFile(file, text), 'list of keys')
  } catch {
    throw new Error(`${file} is damaged: it does not hold the keys of a development provider.`)
  }
}

/** The keys in a file. Errors: one line when it is missing or damaged. */
export async function readKeys(file: string): Promise<ProviderKeys> {
  const text = await readIfPresent(file)
  if (text === undefined) throw new Error(`${file} is missing: it holds the keys of a development provider.`)
  return parseKeys(file, text)
}

/** Replaces the keys in a file; only its owner can read it. */
export const writeKeys = (file: string, keys: ProviderKeys): Promise<void> => replaceFile(file, toText(keys))

/**
 * The keys in a file, with a first one when there is no file: it signs from now on, since the start puts it on the
 * ledger before anybody asks for a token. Keys that are there are never replaced.
 */
export async function ensureKeys(
  file: string,
  { issuer, organisation }: { readonly issuer: string; readonly organisation: string },
  now: () => number = Date.now,
): Promise<ProviderKeys> {
  const first = (): ProviderKeys => ({
    issuer,
    organisation,
    keys: [{ ...newKey(organisation), signsFrom: new Date(now()).toISOString() }],
  })
  return parseKeys(file, await writeOnce(file, () => toText(first())))
}
