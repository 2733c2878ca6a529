import {
  collectionsOf,
  complete,
  decodeResponse,
  MedledgerError,
  randomId,
  readMessage,
  seal,
  type Constitution,
  type EvaluateName,
  type FieldsOf,
  type ResponseOf,
  type Role,
  type SubmitName,
  type TransactionName,
} from 'medledger-chaincode/api'
import { transact } from '../../chaincode/src/transact.ts'
import { demoTopology } from '../../scripts/network/topology.ts'
import { commit, copyOf, emptyState, simulate, type FakeState, type Read, type Write } from './ledger-stub.ts'
import { claimsFor, fakeIssuer, signClaims, type FakeIssuer } from './ledger-tokens.ts'

/** Who signs a proposal, and the token inside. */
export interface Submitter {
  readonly organisation: string
  /** When it is not the organisation's. */
  readonly mspId?: string
  /** The certificate's attribute `medledger.role`. */
  readonly attribute: string | null
  readonly token?: string
}

export const operatorOf = (organisation: string): Submitter => ({ organisation, attribute: 'operator' })
export const gatewayOf = (organisation: string): Submitter => ({ organisation, attribute: 'gateway' })

export interface Person {
  readonly handle: string
  readonly role: Role
  readonly organisation: string
}

/** The people of every test, by user name, which is the subject of their tokens; handles are fixed. */
export const people = {
  'dr.okafor': { handle: 'a1'.repeat(16), role: 'doctor', organisation: 'north' },
  'dr.chen': { handle: 'a2'.repeat(16), role: 'doctor', organisation: 'south' },
  'records.north': { handle: 'b1'.repeat(16), role: 'custodian', organisation: 'north' },
  'records.south': { handle: 'b2'.repeat(16), role: 'custodian', organisation: 'south' },
  'operator.north': { handle: 'c1'.repeat(16), role: 'operator', organisation: 'north' },
  'operator.authority': { handle: 'c3'.repeat(16), role: 'operator', organisation: 'authority' },
  'auditor.lee': { handle: 'd3'.repeat(16), role: 'auditor', organisation: 'authority' },
  maria: { handle: 'e1'.repeat(16), role: 'patient', organisation: 'authority' },
  tomas: { handle: 'e2'.repeat(16), role: 'patient', organisation: 'authority' },
} as const satisfies Record<string, Person>
export type User = keyof typeof people

/** What an endorser answered, before it is ordered. */
export interface Endorsed<N extends TransactionName> {
  readonly response: ResponseOf<N>
  readonly reads: readonly Read[]
  readonly writes: readonly Write[]
  /** Whether it became VALID; false when something that it read had changed. */
  commit(): boolean
}

/** What makes two proposals the same request. */
export interface Identity {
  readonly request: string
  readonly salt: string
  /** Drawn when it is not given. */
  readonly transactionId?: string
}

/** A ledger of one fake peer with its people. Refusals reject with the MedledgerError that the caller would see. */
export interface World {
  /** The time of transactions and, if nothing else is said, of the endorser; in milliseconds since 1970 (UTC). */
  now: number
  /** What the chaincode logged. */
  readonly logged: string[]
  readonly constitution: Constitution
  readonly state: FakeState
  readonly issuers: ReadonlyMap<string, FakeIssuer>
  endorse<N extends TransactionName>(
    name: N,
    fields: FieldsOf<N>,
    submitter: Submitter,
    identity?: Identity,
  ): Promise<Endorsed<N>>
  submit<N extends SubmitName>(
    name: N,
    fields: FieldsOf<N>,
    submitter: Submitter,
    identity?: Identity,
  ): Promise<string>
  evaluate<N extends EvaluateName>(name: N, fields: FieldsOf<N>, submitter: Submitter): Promise<ResponseOf<N>>
  /** Somebody through a gateway (her own organisation's), with a token, which may be limited to purposes of use. */
  as(user: User, options?: { readonly through?: string; readonly purposes?: string[] }): Promise<Submitter>
}

export const { constitution: demoConstitution } = demoTopology()
export const startOfTests = Date.UTC(2026, 0, 15, 12)

/** The `iss` of an organisation's provider in the demonstration. */
export function issuerNameOf(organisation: string): string {
  const found = demoConstitution.issuers.find((issuer) => issuer.organisation === organisation)
  if (found === undefined) throw new RangeError(`no issuer of ${organisation}`)
  return found.issuer
}

export interface WorldParts {
  readonly constitution: Constitution
  readonly state: FakeState
  readonly issuers: ReadonlyMap<string, FakeIssuer>
}

/** A world on given state; its commits change that state. */
export function openWorld({ constitution, state, issuers }: WorldParts): World {
  const logged: string[] = []
  const organisationOf = (name: string): Constitution['organisations'][number] => {
    const found = constitution.organisations.find((organisation) => organisation.name === name)
    if (found === undefined) throw new RangeError(`the constitution has no organisation ${name}`)
    return found
  }
  const world: World = {
    now: startOfTests,
    logged,
    constitution,
    state,
    issuers,
    async endorse(name, fields, submitter, identity) {
      const { transactionId = randomId() + randomId(), ...ids } = identity ?? {
        request: randomId(),
        salt: randomId(),
      }
      const sealed = seal(name, complete(fields, ids), submitter.token)
      const simulation = simulate(state, { transactionId, at: world.now, transient: sealed.transient })
      const client = {
        getMSPID: () => submitter.mspId ?? organisationOf(submitter.organisation).mspId,
        getAttributeValue: () => submitter.attribute,
      }
      const configuration = { constitution, now: () => world.now, log: (line: string) => logged.push(line) }
      const text = await transact(
        name,
        sealed.commitment,
        { stub: simulation.stub, client },
        configuration,
      ).catch(rethrow)
      return {
        response: decodeResponse(name, Buffer.from(text)),
        reads: simulation.reads,
        writes: simulation.writes,
        commit: () => commit(state, simulation),
      }
    },
    async submit(name, fields, submitter, identity) {
      const endorsed = await world.endorse(name, fields, submitter, identity)
      if (!endorsed.commit()) throw new MedledgerError('CHANGED_MEANWHILE', 'MVCC_READ_CONFLICT')
      return endorsed.response.entry
    },
    async evaluate(name, fields, submitter) {
      return (await world.endorse(name, fields, submitter)).response
    },
    async as(user, { through, purposes } = {}) {
      const { role, organisation } = people[user]
      const gateway = organisationOf(through ?? organisation)
      const issuer = issuers.get(organisation)
      if (issuer === undefined) throw new RangeError(`no issuer for ${organisation}`)
      const claims = claimsFor(user, { role, audience: gateway.audience, now: world.now })
      const token = await signClaims(issuer, { ...claims, purpose_of_use: purposes })
      return { organisation: gateway.name, attribute: 'gateway', token }
    },
  }
  return world
}

/** The error as the submitter's side reads it; what is not ours stays as it is. */
function rethrow(error: unknown): never {
  throw (error instanceof Error && readMessage(error.message)) || error
}

/** A world in which nothing has been opened yet. */
export async function emptyWorld(constitution: Constitution = demoConstitution): Promise<World> {
  const made = await Promise.all(
    constitution.issuers.map(
      async ({ issuer, organisation }) =>
        [organisation, await fakeIssuer(issuer, `${organisation}-1`)] as const,
    ),
  )
  const state = emptyState(collectionsOf(constitution).map(({ name }) => name))
  return openWorld({ constitution, state, issuers: new Map(made) })
}

async function populate(world: World): Promise<void> {
  const secret = (): string => randomId() + randomId()
  await world.submit('OpenPlacement', { placement: 'registry', secret: secret() }, operatorOf('authority'))
  for (const { custodian } of world.constitution.placements) {
    await world.submit('OpenPlacement', { placement: custodian, secret: secret() }, operatorOf(custodian))
  }
  for (const [organisation, { issuer, kid, publicKey }] of world.issuers) {
    await world.submit('AddIssuerKey', { issuer, kid, key: publicKey }, operatorOf(organisation))
  }
  for (const [subject, { handle, role, organisation }] of Object.entries(people)) {
    const { issuer } = world.issuers.get(organisation) as FakeIssuer
    const operator = operatorOf(organisation)
    await (role === 'patient'
      ? world.submit('RegisterPatient', { patient: handle, issuer, subject }, operator)
      : world.submit('RegisterPerson', { person: handle, issuer, subject, name: subject, role }, operator))
  }
}

const populated = new Map<Constitution, Promise<World>>()

/** A world with placements, issuers' keys and people; each call gives one of its own. */
export async function demoWorld(constitution: Constitution = demoConstitution): Promise<World> {
  let base = populated.get(constitution)
  if (base === undefined) {
    base = emptyWorld(constitution).then(async (world) => {
      await populate(world)
      return world
    })
    populated.set(constitution, base)
  }
  const { state, issuers } = await base
  return openWorld({ constitution, state: copyOf(state), issuers })
}
