import { MedledgerError, registry, type IssuerKey, type RequestOf } from '../api/index.ts'
import { openedBy, type Handlers } from './handlers.ts'
import type { Context } from '../ledger/context.ts'
import { importSigningKey } from '../identity/index.ts'
import { issuerKeyKey, secretKey } from '../ledger/keys.ts'

/** Opens a placement, or the registry, with the secret of its keys. Once for ever: keys derive from it. */
async function openPlacement(
  context: Context,
  { placement, secret }: RequestOf<'OpenPlacement'>,
): Promise<undefined> {
  const book = placement === registry ? context.registry : openedBy(context, placement)
  if ((await book.get(secretKey)) !== undefined)
    throw new MedledgerError('CONFLICT', 'It has been opened already.')
  await book.put(secretKey, secret)
}

/** The issuer must be run by the caller's organisation, by the constitution. */
function requireOwnIssuer({ constitution, caller }: Context, issuer: string): void {
  const known = constitution.issuers.find((candidate) => candidate.issuer === issuer)
  if (known?.organisation !== caller.agent.organisation) {
    throw new MedledgerError(
      'FORBIDDEN',
      'The constitution gives this issuer to no organisation or to another one.',
    )
  }
}

/** Errors: FORBIDDEN for another organisation's issuer, INVALID_REQUEST for a weak or broken key, CONFLICT. */
async function addIssuerKey(
  context: Context,
  { issuer, kid, key }: RequestOf<'AddIssuerKey'>,
): Promise<undefined> {
  requireOwnIssuer(context, issuer)
  importSigningKey(key)
  const ledgerKey = issuerKeyKey(issuer, kid)
  // Never overwritten: a revoked key id must not come back with another key.
  if ((await context.publicState.get(ledgerKey)) !== undefined) {
    throw new MedledgerError('CONFLICT', 'This key id has been used: choose another one.')
  }
  await context.publicState.put(ledgerKey, { issuer, kid, key, revoked: false } satisfies IssuerKey)
}

async function revokeIssuerKey(
  context: Context,
  { issuer, kid }: RequestOf<'RevokeIssuerKey'>,
): Promise<undefined> {
  requireOwnIssuer(context, issuer)
  const record = await context.publicState.get<IssuerKey>(issuerKeyKey(issuer, kid))
  if (record === undefined) throw new MedledgerError('NOT_FOUND', 'This issuer has no key with this id.')
  await context.publicState.put(issuerKeyKey(issuer, kid), { ...record, revoked: true } satisfies IssuerKey)
}

async function readIssuerKey(
  { publicState }: Context,
  { issuer, kid }: RequestOf<'ReadIssuerKey'>,
): Promise<IssuerKey> {
  const record = await publicState.get<IssuerKey>(issuerKeyKey(issuer, kid))
  if (record === undefined) throw new MedledgerError('NOT_FOUND', 'This issuer has no key with this id.')
  return record
}

export const channelHandlers = {
  OpenPlacement: openPlacement,
  AddIssuerKey: addIssuerKey,
  RevokeIssuerKey: revokeIssuerKey,
  ReadIssuerKey: readIssuerKey,
} satisfies Partial<Handlers>
