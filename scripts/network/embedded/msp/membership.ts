import { verify, X509Certificate } from 'node:crypto'
import { toFabricSignature } from '../../ecdsa.ts'
import { readRevocationList, serialNumberOf, type SerialNumbers } from '../../revocations.ts'
import { bytes, decode, msp } from '../../fabric/message.ts'
import type { Principal, Role } from '../../fabric/policy.ts'

/** A certificate that an organisation of the channel has issued. */
export interface Member extends Principal {
  readonly certificate: X509Certificate
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * The channel's MSPs. Nothing here looks at a clock: Fabric checks a chain as of the leaf's first second
 * (msp/mspimplvalidate.go), so that a block validates the same for ever, and asks for expiry only where something new
 * comes in (see {@link expiryOf}).
 */
export interface Membership {
  /** Errors: {@link IdentityError} when no MSP of the channel vouches for the identity. */
  identify(identity: Uint8Array): Member
  /** Whether the member signed the content, with a signature in the form that Fabric accepts. */
  verify(member: Member, content: Uint8Array, signature: Uint8Array): boolean
  readonly mspIds: ReadonlySet<string>
}

/** Why an identity is not one of the channel's; `mspId` is what it claims, undefined when it is unreadable. */
export class IdentityError extends Error {
  readonly mspId: string | undefined

  constructor(message: string, mspId?: string) {
    super(message)
    this.name = 'IdentityError'
    this.mspId = mspId
  }
}

const nodeUnits: readonly Role[] = ['client', 'peer', 'orderer', 'admin']

/** Identities kept after their check; every request brings one of a few. */
const cacheLimit = 5000

function roleOf(certificate: X509Certificate, mspId: string): Role {
  const lines = certificate.subject.split('\n').filter((line) => line.startsWith('OU='))
  const units = new Set(lines.map((line) => line.slice('OU='.length)))
  const roles = nodeUnits.filter((role) => units.has(role))
  const [role] = roles
  if (role === undefined || roles.length > 1)
    throw new IdentityError('the identity must be a client, a peer, an orderer or an admin identity', mspId)
  return role
}

function readIdentity(identity: Uint8Array): { mspId: string; certificate: X509Certificate } {
  try {
    const message = decode(msp.SerializedIdentity, identity)
    const certificate = new X509Certificate(bytes(message.getIdBytes_asU8()))
    return { mspId: message.getMspid(), certificate }
  } catch {
    throw new IdentityError('the identity cannot be read')
  }
}

/** An MSP: its root, and what it has revoked. */
interface Authority {
  readonly root: X509Certificate
  readonly revoked: SerialNumbers
}

function checkIdentity(identity: Uint8Array, authorities: ReadonlyMap<string, Authority>): Member {
  const { mspId, certificate } = readIdentity(identity)
  const authority = authorities.get(mspId)
  if (authority === undefined) throw new IdentityError(`MSP ${mspId} is unknown`, mspId)
  const { root, revoked } = authority
  if (certificate.ca || !certificate.checkIssued(root) || !certificate.verify(root.publicKey))
    throw new IdentityError('the certificate is not issued by the MSP', mspId)
  if (revoked.has(serialNumberOf(certificate)))
    throw new IdentityError('the certificate has been revoked', mspId)
  const notBefore = certificate.validFromDate.getTime()
  if (notBefore < root.validFromDate.getTime() || notBefore > root.validToDate.getTime())
    throw new IdentityError('the certificate was issued outside the validity of its MSP', mspId)
  const notAfter = certificate.validToDate.getTime()
  return { mspId, role: roleOf(certificate, mspId), certificate, notBefore, notAfter }
}

/**
 * @param authorities the root certificate (PEM) of each MSP, by MSP id
 * @param revocations the revocation lists (PEM) of each MSP
 * Errors: when a list is not its MSP's own.
 */
export function createMembership(
  authorities: ReadonlyMap<string, string>,
  revocations: ReadonlyMap<string, readonly string[]> = new Map(),
): Membership {
  const known = new Map<string, Member>()
  const msps = new Map(
    [...authorities].map(([mspId, pem]): [string, Authority] => {
      const lists = revocations.get(mspId) ?? []
      const revoked = new Set(lists.flatMap((list) => [...readRevocationList(list, pem)]))
      return [mspId, { root: new X509Certificate(pem), revoked }]
    }),
  )
  return {
    mspIds: new Set(msps.keys()),
    identify(identity) {
      const key = bytes(identity).toString('latin1')
      const found = known.get(key)
      if (found !== undefined) return found
      const member = checkIdentity(identity, msps)
      if (known.size >= cacheLimit) known.clear()
      known.set(key, member)
      return member
    },
    verify(member, content, signature) {
      const strict = toFabricSignature(signature)
      if (strict === undefined) return false
      try {
        return verify('sha256', content, member.certificate.publicKey, strict)
      } catch {
        return false
      }
    },
  }
}

/**
 * Why a member's certificate does not hold now; undefined when it does. Fabric looks at the end only; that a certificate
 * is not valid yet is refused here as well, where something new comes in, because it can only be a mistake.
 */
export function expiryOf(member: Member, now: number): string | undefined {
  if (now > member.notAfter) return 'identity expired'
  if (now < member.notBefore) return 'identity is not valid yet'
  return undefined
}
