import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Constitution } from 'medledger-chaincode/api'
import { signingKeyOf } from 'medledger-chaincode/identity'
import {
  readKeys,
  retireKeys,
  revokeKey,
  rotateKeys,
  stateOf,
  writeKeys,
  type KeyLedger,
  type KeyRing,
} from '../../identity-provider/index.ts'
import { lockDirectory } from '../../network/embedded/lock.ts'
import { issuerKeys } from '../../start/issuer-keys.ts'
import { pathsIn } from '../../start/paths.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import { withOperator, type OperatorOptions } from '../operator.ts'
import { table, writeJson, type Output } from '../output.ts'

export type KeysOptions = OperatorOptions

interface Keys {
  readonly ledger: KeyLedger
  readonly ring: KeyRing
}

function issuerOf({ issuers }: Constitution, organisation: string): string {
  const found = issuers.find((issuer) => issuer.organisation === organisation)
  if (found !== undefined) return found.issuer
  throw new Failure(exitCodes.badInput, `The constitution names no identity provider of ${organisation}.`)
}

/** Does something with an organisation's keys, as its operator. */
const withKeys = <Value>(options: KeysOptions, work: (keys: Keys) => Promise<Value>): Promise<Value> =>
  withOperator(options, (operator, paths) => {
    const { org } = options
    const file = paths.issuer(org)
    const issuer = issuerOf(operator.constitution, org)
    const ledger = issuerKeys(operator, { issuer, organisation: org })
    const ring = {
      ledger,
      read: () => readKeys(file),
      write: (keys: Parameters<typeof writeKeys>[1]) => writeKeys(file, keys),
      now: Date.now,
    }
    return work({ ledger, ring })
  })

/** Does something with the keys in an organisation's file, which no other command may change meanwhile. */
async function withRing<Value>(
  options: KeysOptions,
  work: (ring: KeyRing) => Promise<Value>,
): Promise<Value> {
  const lock = lockDirectory(dirname(pathsIn(resolve(options.data)).issuer(options.org)))
  try {
    return await withKeys(options, ({ ring }) => work(ring))
  } finally {
    lock.release()
  }
}

/** `medledger keys list`: a development provider's keys, and what the ledger says of each. */
export async function list(options: KeysOptions, output: Output): Promise<void> {
  const rows = await withKeys(options, async ({ ring, ledger }) => {
    const keys = await ring.read()
    return Promise.all(
      keys.keys.map(async (key) => {
        const onLedger = await ledger.read(key.kid)
        const { kid, signsFrom = null } = key
        const state = onLedger === undefined ? 'absent' : onLedger.revoked ? 'revoked' : 'good'
        return { kid, state: stateOf(keys, key, Date.now()), signsFrom, ledger: state }
      }),
    )
  })
  if (options.json) writeJson(output, rows)
  else
    output.out(
      table(
        ['key', 'state', 'ledger', 'signs from'],
        rows.map(({ kid, state, ledger, signsFrom }) => [kid, state, ledger, signsFrom ?? '']),
      ),
    )
}

/** `medledger keys rotate`: a new key takes over; the one before serves until its tokens have ended. */
export async function rotate(options: KeysOptions, output: Output): Promise<void> {
  const rotated = await withRing(options, rotateKeys)
  if (options.json) writeJson(output, rotated)
  else output.out(`${rotated.kid} signs from ${rotated.signsFrom} on.\n${wordsOf(rotated.retired)}`)
}

/** `medledger keys retire`: revokes the keys whose last tokens have ended. */
export async function retire(options: KeysOptions, output: Output): Promise<void> {
  const retired = await withRing(options, retireKeys)
  if (options.json) writeJson(output, { retired })
  else output.out(wordsOf(retired) || 'There is no key whose tokens have all ended.\n')
}

const wordsOf = (retired: readonly string[]): string => retired.map((kid) => `${kid} is revoked.\n`).join('')

/** `medledger keys revoke`: at once, with all its tokens. */
export async function revoke(options: KeysOptions & { kid?: string }, output: Output): Promise<void> {
  const revoked = await withRing(options, (ring) => revokeKey(ring, options.kid))
  if (options.json) writeJson(output, revoked)
  else {
    const { kid, others, successor } = revoked
    const next = successor && `${successor.kid} signs from ${successor.signsFrom} on.\n`
    output.out(
      `${[kid, ...others].map((one) => `${one} is revoked, and all tokens that it signed.\n`).join('')}${next ?? ''}`,
    )
  }
}

interface AddOptions extends KeysOptions {
  readonly jwks: string
  readonly alg?: string
  readonly kid?: string
}

/** `medledger keys add`: puts public keys of the organisation's own identity provider on the ledger. */
export async function add(options: AddOptions, output: Output): Promise<void> {
  const found = await readJwks(options)
  await withKeys(options, async ({ ledger }) => {
    for (const { kid, key } of found) await ledger.add(kid, key)
  })
  const kids = found.map(({ kid }) => kid)
  if (options.json) writeJson(output, { added: kids })
  else output.out(kids.map((kid) => `${kid} is on the ledger.\n`).join(''))
}

type Found = { readonly kid: string; readonly key: ReturnType<typeof signingKeyOf> }

async function readJwks({ jwks, alg, kid }: AddOptions): Promise<Found[]> {
  try {
    const { keys } = JSON.parse(await readFile(jwks, 'utf8')) as { keys?: Record<string, unknown>[] }
    if (!Array.isArray(keys)) throw new Error('it is no JWK Set, an object with a list of keys')
    const wanted = keys.filter((key) => key['use'] !== 'enc' && (kid === undefined || key['kid'] === kid))
    if (wanted.length === 0) throw new Error('it has no such signing key')
    return wanted.map((key) => ({ kid: String(key['kid']), key: signingKeyOf(key, alg ?? key['alg']) }))
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message
    throw new Failure(exitCodes.badInput, `${jwks} cannot be used: ${reason}`, { cause: error })
  }
}
