import { registry, type FieldsOf, type Role } from 'medledger-chaincode/api'
import type { DevelopmentPerson } from '../development/index.ts'
import { publicKeyOf, type ProviderKey, type ProviderKeys } from '../identity-provider/index.ts'
import type { Topology } from '../network/topology.ts'

interface Step<Name extends string, Fields> {
  /** Names the step, with all that would make it another one. */
  readonly key: string
  /** The organisation whose operator takes it. */
  readonly by: string
  readonly name: Name
  readonly fields: Fields
}

/** One transaction of an operator's, most of which a new network needs; repeating it does no harm. */
export type BootstrapStep =
  // The secret is drawn when the step is taken and is nobody's afterwards but the ledger's.
  | Step<'OpenPlacement', { readonly placement: string }>
  | Step<'AddIssuerKey', FieldsOf<'AddIssuerKey'>>
  | Step<'RevokeIssuerKey', FieldsOf<'RevokeIssuerKey'>>
  | Step<'RegisterPerson', FieldsOf<'RegisterPerson'>>
  | Step<'RegisterPatient', FieldsOf<'RegisterPatient'>>

/** Opens the registry first, because people are registered under its secret; the rest may go at the same time. */
export interface BootstrapPlan {
  readonly first: readonly BootstrapStep[]
  readonly rest: readonly BootstrapStep[]
}

export function bootstrapPlanOf(
  { constitution, orderers }: Topology,
  issuers: readonly ProviderKeys[],
  people: readonly DevelopmentPerson[],
): BootstrapPlan {
  const issuerOf = (organisation: string, role: Role): string => {
    const found = constitution.issuers.find(
      (issuer) => issuer.organisation === organisation && issuer.roles.includes(role),
    )
    if (found === undefined) throw new RangeError(`no issuer of ${organisation} may assert ${role}`)
    return found.issuer
  }
  const open = (placement: string, by: string): BootstrapStep => ({
    key: `OpenPlacement ${placement}`,
    by,
    name: 'OpenPlacement',
    fields: { placement },
  })
  const addKey = ({ issuer, organisation }: ProviderKeys, key: ProviderKey): BootstrapStep => ({
    key: `AddIssuerKey ${issuer} ${key.kid}`,
    by: organisation,
    name: 'AddIssuerKey',
    fields: { issuer, kid: key.kid, key: publicKeyOf(key) },
  })
  const register = ({ user, handle, role, organisation, name }: DevelopmentPerson): BootstrapStep => {
    const subject = { issuer: issuerOf(organisation, role), subject: user }
    if (role === 'patient') {
      const fields = { patient: handle, ...subject }
      return { key: `RegisterPatient ${handle}`, by: organisation, name: 'RegisterPatient', fields }
    }
    const fields = { person: handle, ...subject, name, role }
    return {
      key: `RegisterPerson ${handle} ${role} ${name}`,
      by: organisation,
      name: 'RegisterPerson',
      fields,
    }
  }
  const invented = people.filter(({ source }) => source === undefined)
  return {
    first: [open(registry, orderers[0])],
    rest: [
      ...constitution.placements.map(({ custodian }) => open(custodian, custodian)),
      // A key without a private part is revoked, and one that has not begun belongs to an unfinished rotation.
      ...issuers.flatMap((issuer) =>
        issuer.keys
          .filter(({ key, signsFrom }) => key.d !== undefined && signsFrom !== undefined)
          .map((key) => addKey(issuer, key)),
      ),
      ...invented.map(register),
    ],
  }
}
