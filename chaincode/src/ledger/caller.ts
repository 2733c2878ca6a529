import {
  MedledgerError,
  transactions,
  type Agent,
  type Constitution,
  type IssuerKey,
  type Organisation,
  type Patient,
  type Person,
  type Role,
  type TransactionName,
} from '../api/index.ts'
import { addressOf, hasExpired, invalidToken, verifyToken, type TokenClaims } from '../identity/index.ts'
import type { Book } from './book.ts'
import { issuerKeyKey, patientKey, personKey, secretKey, subjectKey } from './keys.ts'

/** Who calls: an organisation in its own name, or a registered person or patient through an organisation's gateway. */
export interface Caller {
  readonly agent: Agent
  /** Version of the agent's registration; 0 for an organisation. */
  readonly version: number
  readonly through: Organisation
  readonly token?: TokenClaims
}

/** What the shim tells of the certificate that signed the proposal. */
export interface ClientIdentity {
  getMSPID(): string
  getAttributeValue(name: string): string | null
}

/** Roles whose people may use any organisation's gateway; staff use that of their own. */
const travelling: ReadonlySet<Role> = new Set(['patient', 'auditor'])

interface Sources {
  readonly constitution: Constitution
  readonly client: ClientIdentity
  readonly token: string | undefined
  /** Transaction time, in milliseconds since 1970 (UTC). */
  readonly at: number
  /** The endorser's own clock, which may only refuse: it never enters a result. */
  readonly now: number
  readonly publicState: Book
  readonly registry: Book
}

/** The attribute of a client certificate that says what it may do in its organisation's name. */
export const roleAttribute = 'medledger.role'

/**
 * Establishes the caller of a transaction. A token counts only when the gateway of the very organisation that it is
 * meant for submits it, so that no other organisation that saw the token can use it.
 * Errors: FORBIDDEN, INVALID_TOKEN.
 */
export async function establishCaller(name: TransactionName, sources: Sources): Promise<Caller> {
  const { constitution, client, token } = sources
  const mspId = client.getMSPID()
  const through = constitution.organisations.find((organisation) => organisation.mspId === mspId)
  if (through === undefined)
    throw new MedledgerError('FORBIDDEN', 'This organisation takes no part in the channel.')
  const attribute = client.getAttributeValue(roleAttribute)
  if (token === undefined) return organisationCaller(name, attribute, through)
  if (attribute !== 'gateway') throw new MedledgerError('FORBIDDEN', 'People act through a gateway only.')
  return personCaller(name, token, through, sources)
}

function organisationCaller(name: TransactionName, attribute: string | null, through: Organisation): Caller {
  const { callers } = transactions[name]
  const allowed = callers.some((caller) => caller === `${String(attribute)}-certificate`)
  if (!allowed)
    throw new MedledgerError('FORBIDDEN', 'This certificate may not do this; a token is missing, perhaps.')
  return {
    agent: { kind: 'gateway', organisation: through.name, through: through.name },
    version: 0,
    through,
  }
}

async function personCaller(
  name: TransactionName,
  token: string,
  through: Organisation,
  sources: Sources,
): Promise<Caller> {
  const { constitution, registry } = sources
  const claims = await verifiedClaims(token, through, sources)
  const registered = await findRegistered(registry, claims.issuer, claims.subject)
  const role: Role = registered.kind === 'patient' ? 'patient' : registered.record.role
  requireRole(constitution, claims, role, registered.record.organisation)
  if (!(transactions[name].callers as readonly string[]).includes(role)) {
    throw new MedledgerError('FORBIDDEN', `The role ${role} may not do this.`)
  }
  if (!travelling.has(role) && registered.record.organisation !== through.name) {
    throw new MedledgerError('FORBIDDEN', 'Staff act through the gateway of their own organisation.')
  }
  const { kind, id, record } = registered
  return {
    agent: {
      kind,
      id,
      role,
      organisation: record.organisation,
      through: through.name,
      ...(registered.kind === 'person' && { name: registered.record.name }),
    },
    version: record.version,
    through,
    token: claims,
  }
}

/** The claims of a token that an issuer of the constitution signed with a key that is on the ledger and not revoked. */
async function verifiedClaims(
  token: string,
  { audience }: Organisation,
  { constitution, at, now, publicState }: Sources,
): Promise<TokenClaims> {
  const { issuer: name, kid } = addressOf(token)
  const issuer = constitution.issuers.find((known) => known.issuer === name)
  if (issuer === undefined) throw invalidToken()
  const record = await publicState.get<IssuerKey>(issuerKeyKey(name, kid))
  if (record === undefined || record.revoked) throw invalidToken()
  const claims = verifyToken(token, { issuer, key: record.key, audience, at })
  // The transaction time is the submitter's word and may lie a minute back: it must not give a token a longer life.
  if (hasExpired(claims.expiresAt, now)) throw invalidToken()
  return claims
}

/** The role on the ledger must be one that the issuer may assert and the token does assert. */
function requireRole(
  constitution: Constitution,
  claims: TokenClaims,
  role: Role,
  organisation: string,
): void {
  const issuer = constitution.issuers.find((known) => known.issuer === claims.issuer)
  const assertable =
    issuer !== undefined && issuer.roles.includes(role) && issuer.organisation === organisation
  if (!assertable || !claims.roles.includes(role)) {
    throw new MedledgerError(
      'FORBIDDEN',
      'The token does not assert the role under which this person is registered.',
    )
  }
}

type Registered =
  | { readonly kind: 'person'; readonly id: string; readonly record: Person }
  | { readonly kind: 'patient'; readonly id: string; readonly record: Patient }

/** What the registry's index holds for an issuer's subject. */
export type Subject = { readonly kind: 'person' | 'patient'; readonly id: string }

/** Errors: NOT_READY before the registry is opened, FORBIDDEN for somebody who is not registered or not active. */
async function findRegistered(registry: Book, issuer: string, subject: string): Promise<Registered> {
  const secret = await requireSecret(registry)
  const found = await registry.get<Subject>(subjectKey(secret, issuer, subject))
  if (found?.kind === 'person') {
    const record = await registry.get<Person>(personKey(found.id))
    if (record?.active === true) return { kind: 'person', id: found.id, record }
  }
  if (found?.kind === 'patient') {
    const record = await registry.get<Patient>(patientKey(found.id))
    if (record?.status === 'active') return { kind: 'patient', id: found.id, record }
  }
  throw new MedledgerError('FORBIDDEN', 'This person is not registered, or no longer; ask your operator.')
}

/** The secret from which a collection's keys derive. Errors: NOT_READY. */
export async function requireSecret(book: Book): Promise<string> {
  const secret = await book.get<string>(secretKey)
  if (secret === undefined) {
    throw new MedledgerError(
      'NOT_READY',
      'The placement or the registry has not been opened yet (OpenPlacement).',
    )
  }
  return secret
}
