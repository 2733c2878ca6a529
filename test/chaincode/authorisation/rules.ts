import type { Role, TransactionName } from 'medledger-chaincode/api'

/** Who calls: somebody with a token, or an organisation's certificate alone. */
export interface Caller {
  /** The certificate's organisation; undefined for one outside of the channel. */
  readonly through: string | undefined
  /** The certificate's attribute `medledger.role`. */
  readonly attribute: string | null
  readonly person?: Person
}

export interface Person {
  readonly user: string
  readonly role: Role
  readonly organisation: string
  /** The organisation whose gateway her token is meant for. */
  readonly meantFor: string
}

export type Expected = 'done' | 'FORBIDDEN' | 'INVALID_TOKEN' | 'NOT_FOUND' | 'CONFLICT'

interface Rule {
  readonly roles?: readonly Role[]
  readonly certificates?: readonly ('operator' | 'gateway')[]
  /** What comes of it for one of these, whose organisation and user are given. */
  readonly verdict: (
    who: { organisation: string; user?: string; through: string },
    custodian: string,
    members: readonly string[],
  ) => Expected
}

const done = (): Expected => 'done'
const own: Rule['verdict'] = ({ organisation }, custodian) =>
  organisation === custodian ? 'done' : 'FORBIDDEN'
/** South is no member of North's placement in the narrow topology. */
const member: Rule['verdict'] = ({ organisation }, _custodian, members) =>
  members.includes(organisation) ? 'done' : 'FORBIDDEN'
const maria: Rule['verdict'] = ({ user }) => (user === 'maria' ? 'done' : 'FORBIDDEN')
const reader =
  (name: string, gateway: string): Rule['verdict'] =>
  ({ user, through }) =>
    user === name && through === gateway ? 'done' : 'NOT_FOUND'

/**
 * Who may make which transaction, and what comes of it, after the README and DESIGN and not after the product's table. The
 * requests are those of requests.ts. A new transaction needs a line here, or it does not compile.
 */
export const rules: Readonly<Record<TransactionName, Rule>> = {
  OpenPlacement: {
    certificates: ['operator'],
    // It has been opened, by its custodian, and is so for ever.
    verdict: ({ organisation }, custodian) => (organisation === custodian ? 'CONFLICT' : 'FORBIDDEN'),
  },
  AddIssuerKey: { certificates: ['operator'], verdict: own },
  RevokeIssuerKey: { certificates: ['operator'], verdict: own },
  RegisterPatient: {
    certificates: ['operator'],
    roles: ['operator'],
    verdict: ({ organisation }) => (organisation === 'authority' ? 'done' : 'FORBIDDEN'),
  },
  RegisterPerson: { certificates: ['operator'], roles: ['operator'], verdict: own },
  DeactivatePerson: {
    certificates: ['operator'],
    roles: ['operator'],
    verdict: ({ organisation }, custodian) => (organisation === custodian ? 'done' : 'NOT_FOUND'),
  },
  GrantConsent: { roles: ['patient'], verdict: maria },
  RevokeConsent: { roles: ['patient'], verdict: maria },
  RegisterDocuments: { roles: ['custodian'], verdict: own },
  // Whatever is decided is an entry.
  RequestAccess: { roles: ['doctor', 'patient'], verdict: done },
  RecordReading: { roles: ['doctor', 'patient', 'auditor'], verdict: done },
  RecordRelease: { certificates: ['gateway'], verdict: own },
  CancelRequest: { certificates: ['gateway'], verdict: done },
  ReadCaller: { roles: ['doctor', 'patient', 'auditor', 'custodian', 'operator'], verdict: done },
  ReadPatient: { roles: ['custodian'], verdict: done },
  ReadIssuerKey: { certificates: ['gateway', 'operator'], verdict: done },
  ReadRequest: {
    certificates: ['gateway'],
    verdict: ({ organisation }) => (organisation === 'south' ? 'done' : 'NOT_FOUND'),
  },
  ReviewAccess: { certificates: ['gateway'], verdict: own },
  ListDocuments: { roles: ['doctor', 'patient'], verdict: reader('dr.chen', 'south') },
  ListConsents: { roles: ['patient'], verdict: reader('maria', 'authority') },
  ReadGrant: { roles: ['patient'], verdict: reader('maria', 'authority') },
  ListEntries: { roles: ['patient', 'auditor'], verdict: reader('auditor.lee', 'authority') },
  ReplayEntries: { certificates: ['operator'], verdict: member },
  ExplainEntry: { roles: ['patient'], verdict: reader('maria', 'authority') },
  SimulateDecision: { roles: ['patient'], verdict: reader('maria', 'authority') },
}

const travelling: ReadonlySet<Role> = new Set(['patient', 'auditor'])

/** A custodian and the members of its placement. */
export interface Place {
  readonly custodian: string
  readonly members: readonly string[]
}

/** What must come of a caller's transaction about a custodian's records. */
export function expected(name: TransactionName, caller: Caller, place: Place): Expected {
  const { through, person } = caller
  if (through === undefined) return 'FORBIDDEN'
  if (person !== undefined) return expectedOfPerson(name, { ...caller, through, person }, place)
  const { certificates = [], verdict } = rules[name]
  const may = certificates.some((certificate) => certificate === caller.attribute)
  return may ? verdict({ organisation: through, through }, place.custodian, place.members) : 'FORBIDDEN'
}

function expectedOfPerson(
  name: TransactionName,
  { through, attribute, person }: Caller & { readonly through: string; readonly person: Person },
  { custodian, members }: Place,
): Expected {
  const { user, role, organisation, meantFor } = person
  const { roles = [], verdict } = rules[name]
  if (attribute !== 'gateway') return 'FORBIDDEN'
  if (meantFor !== through) return 'INVALID_TOKEN'
  const isAtHome = travelling.has(role) || organisation === through
  if (!roles.includes(role) || !isAtHome) return 'FORBIDDEN'
  return verdict({ organisation, user, through }, custodian, members)
}
