import type { Endorsers } from 'medledger-chaincode/api'
import { build, common, decode, encoded, msp } from './message.ts'

export type Role = 'client' | 'peer' | 'orderer' | 'admin'

export interface Principal {
  readonly mspId: string
  readonly role: Role
}

/** A principal of a policy; `member` is anyone of the MSP. */
export interface Required {
  readonly mspId: string
  readonly role: Role | 'member'
}

/** Fabric's signature policy: `count` of the rules, each a principal or a policy itself. */
export interface Policy {
  readonly count: number
  readonly rules: ReadonlyArray<Policy | Required>
}

/** Fabric's implicit policy: so many of the policies, each of which sees all the principals. */
export interface MetaPolicy {
  readonly threshold: number
  readonly of: ReadonlyArray<Policy | MetaPolicy>
}

const satisfies = (principal: Principal, required: Required): boolean =>
  principal.mspId === required.mspId && (required.role === 'member' || required.role === principal.role)

/** The principals left over when the rule has taken those that it needs, or undefined when it is not satisfied. */
function consume(
  rule: Policy | Required,
  principals: readonly Principal[],
): readonly Principal[] | undefined {
  if ('mspId' in rule) {
    const index = principals.findIndex((principal) => satisfies(principal, rule))
    return index < 0 ? undefined : principals.toSpliced(index, 1)
  }
  let left = principals
  let satisfied = 0
  for (const inner of rule.rules) {
    const rest = consume(inner, left)
    if (rest === undefined) continue
    left = rest
    satisfied += 1
  }
  return satisfied >= rule.count ? left : undefined
}

/**
 * Whether the principals satisfy the policy. Each counts for one rule only and the rules take theirs in order, as in
 * Fabric's common/cauthdsl. The principals must be distinct.
 */
export function holds(policy: Policy | MetaPolicy, principals: readonly Principal[]): boolean {
  if ('count' in policy) return consume(policy, principals) !== undefined
  return policy.of.filter((inner) => holds(inner, principals)).length >= policy.threshold
}

/** Any one of the rules. */
export const anyOf = (rules: ReadonlyArray<Policy | Required>): Policy => ({ count: 1, rules })

/**
 * The policy in which these organisations' peers endorse.
 * @param mspIdOf gives the MSP id of an organisation's name
 */
export function endorsementPolicy(endorsers: Endorsers, mspIdOf: (name: string) => string): Policy {
  const peer = (name: string): Required => ({ mspId: mspIdOf(name), role: 'peer' })
  const required = endorsers.required.map(peer)
  const others = endorsers.among.filter((name) => !endorsers.required.includes(name)).map(peer)
  const further = endorsers.count - required.length
  if (further <= 0) return { count: required.length, rules: required }
  const anyFurther: Policy = { count: further, rules: others }
  return required.length === 0 ? anyFurther : { count: required.length + 1, rules: [...required, anyFurther] }
}

const roleNumbers = {
  member: msp.MSPRole.MSPRoleType.MEMBER,
  admin: msp.MSPRole.MSPRoleType.ADMIN,
  client: msp.MSPRole.MSPRoleType.CLIENT,
  peer: msp.MSPRole.MSPRoleType.PEER,
  orderer: msp.MSPRole.MSPRoleType.ORDERER,
} as const

/** `common.SignaturePolicyEnvelope`, as channel configurations and chaincode definitions hold it. */
export function toPolicyMessage(policy: Policy): common.SignaturePolicyEnvelope {
  const identities: Required[] = []
  const indexOf = (required: Required): number => {
    const index = identities.findIndex(
      ({ mspId, role }) => mspId === required.mspId && role === required.role,
    )
    return index >= 0 ? index : identities.push(required) - 1
  }
  const toRule = (rule: Policy | Required): common.SignaturePolicy => {
    if ('mspId' in rule) return build(common.SignaturePolicy, { signedBy: indexOf(rule) })
    const nOutOf = build(common.SignaturePolicy.NOutOf, { n: rule.count, rulesList: rule.rules.map(toRule) })
    return build(common.SignaturePolicy, { nOutOf })
  }
  const rule = toRule(policy)
  const identitiesList = identities.map(({ mspId, role }) =>
    build(msp.MSPPrincipal, {
      principal: encoded(msp.MSPRole, { mspIdentifier: mspId, role: roleNumbers[role] }),
    }),
  )
  return build(common.SignaturePolicyEnvelope, { rule, identitiesList })
}

const roleOfNumber = (number: number): Required['role'] | undefined =>
  (Object.keys(roleNumbers) as Array<keyof typeof roleNumbers>).find((role) => roleNumbers[role] === number)

const { Classification } = msp.MSPPrincipal

function readPrincipal(message: msp.MSPPrincipal): Required {
  const role = decode(msp.MSPRole, message.getPrincipal_asU8())
  const name = roleOfNumber(role.getRole())
  if (message.getPrincipalClassification() !== Classification.ROLE || name === undefined)
    throw new Error('only roles of an MSP are supported in policies')
  return { mspId: role.getMspIdentifier(), role: name }
}

/** Errors: Error naming what is not supported, or not sound: other principals than roles, rules for nobody. */
export function readPolicyMessage(message: common.SignaturePolicyEnvelope): Policy {
  const identities = message.getIdentitiesList().map(readPrincipal)
  const toRule = (rule: common.SignaturePolicy | undefined): Policy | Required => {
    const inner = rule?.getNOutOf()
    if (inner !== undefined) return { count: inner.getN(), rules: inner.getRulesList().map(toRule) }
    const identity = rule?.hasSignedBy() === true ? identities[rule.getSignedBy()] : undefined
    if (identity === undefined) throw new Error('a policy names an identity that it does not list')
    return identity
  }
  const rule = toRule(message.getRule())
  return 'mspId' in rule ? anyOf([rule]) : rule
}
