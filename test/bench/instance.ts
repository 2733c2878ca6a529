import { randomId, type Constitution, type PublicKey } from 'medledger-chaincode/api'
import {
  connectFabric,
  createClient,
  type LedgerClient,
  type LedgerStep,
  type LedgerTransport,
} from '../../gateway/src/ledger/index.ts'
import type { FabricIdentity } from '../../gateway/src/ledger/fabric/identity.ts'
import { findPerson, readPeople } from '../../scripts/development/index.ts'
import { issueCredentials, type Credentials } from '../../scripts/network/issue.ts'
import { connectionProfile, credentialsOf } from '../../scripts/network/profile.ts'
import type { Topology } from '../../scripts/network/topology.ts'
import { readInstance } from '../../scripts/start/instance.ts'
import { pathsIn } from '../../scripts/start/paths.ts'
import { readInstanceSettings } from '../../scripts/start/settings.ts'
import { startInstance } from '../support/instance.ts'
import type { CountedProcess } from './processes.ts'
import { createRecipientKey, createSigningKey, signToken, type BenchKey, type Claims } from './tokens.ts'

/** An instance as `npm start` makes it, with the bench's own connections to its ledger beside its gateways. */
export interface BenchInstance {
  readonly constitution: Constitution
  readonly processes: readonly CountedProcess[]
  /** URLs of the gateways by organisation. */
  readonly gateways: Readonly<Record<string, string>>
  /** The ledger as an organisation's gateway has it. */
  readonly ledger: (organisation: string) => BenchLedger
  readonly identityOf: (organisation: string) => FabricIdentity
  readonly profileOf: (organisation: string) => ReturnType<typeof connectionProfile>
  readonly chaincode: string
  /** A token of one of the demonstration's people, for the gateway of her organisation; used for a minute. */
  readonly token: (user: string) => string
  /** The same, signed anew each time: one that no gateway has seen. */
  readonly newToken: (user: string) => string
  /** A token of a patient that the bench has registered. */
  readonly patientToken: (patient: string, at: string) => string
  readonly recipient: PublicKey
  /** Resolves when no block has come for a while: nothing is under way any more. */
  readonly quiet: () => Promise<void>
  /** Hears each step of what the bench itself submits, until it is given another listener. */
  readonly listen: (listener: (step: LedgerStep) => void) => void
  readonly close: () => Promise<void>
}

export interface BenchLedger {
  readonly transport: LedgerTransport
  readonly client: LedgerClient
}

const tokenServesMs = 60_000
const quietMs = 300
const quietDeadlineMs = 60_000

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** Waits until a height stays as it is. */
async function waitForQuiet(height: () => number): Promise<void> {
  const deadline = performance.now() + quietDeadlineMs
  let known = -1
  while (known !== height() && performance.now() < deadline) {
    known = height()
    await pause(quietMs)
  }
}

/** Signs tokens once a minute: clients do not sign in for every request. */
function createTokens(signing: BenchKey): (claims: Claims) => string {
  const known = new Map<string, { readonly token: string; readonly until: number }>()
  return (claims) => {
    const key = JSON.stringify(claims)
    const cached = known.get(key)
    if (cached !== undefined && cached.until > performance.now()) return cached.token
    const token = signToken(signing, claims)
    known.set(key, { token, until: performance.now() + tokenServesMs })
    return token
  }
}

interface Network {
  readonly topology: Topology
  readonly credentials: Credentials
}

/** Connects to a ledger as an organisation's gateway or operator does; by another profile than its own where one is given. */
export async function connectLedger(
  { topology, credentials }: Network,
  organisation: string,
  identity: 'gateway' | 'operator',
  observe: (step: LedgerStep) => void = () => {},
  profile = connectionProfile(topology, credentials, organisation),
): Promise<BenchLedger> {
  const own = credentialsOf(credentials, organisation)
  const { certificate, privateKey } = own[identity]
  const transport = await connectFabric({
    profile,
    channel: topology.constitution.channel,
    chaincode: topology.chaincode.name,
    mspOf: (name) => credentialsOf(credentials, name).mspId,
    organisation,
    identity: { mspId: own.mspId, certificate, privateKey },
    log: () => undefined,
    observe,
  })
  return { transport, client: createClient(transport, topology.constitution, organisation) }
}

/** Has every organisation's operator add the bench's key for its issuer. */
async function addSigningKey(network: Network, { kid, publicKey }: BenchKey): Promise<void> {
  const { issuers } = network.topology.constitution
  await Promise.all(
    issuers.map(async ({ issuer, organisation }) => {
      const { client, transport } = await connectLedger(network, organisation, 'operator')
      await client.submit('AddIssuerKey', { issuer, kid, key: publicKey })
      transport.close()
    }),
  )
}

/** Starts an instance in a directory, from this source tree or another one, and connects to it. */
export async function startBenchInstance(
  data: string,
  firstPort: number,
  tree?: string,
): Promise<BenchInstance> {
  const running = await startInstance(data, ['--port', String(firstPort), '--no-demo'], tree)
  const paths = pathsIn(data)
  const topology = await readInstanceSettings(paths)
  const network: Network = { topology, credentials: await issueCredentials(topology, paths.credentials) }
  const { constitution } = topology
  const record = await readInstance(paths)
  const people = (await readPeople(paths.people)) ?? []
  const signing = createSigningKey()
  await addSigningKey(network, signing)
  const names = constitution.organisations.map(({ name }) => name)
  let listener: (step: LedgerStep) => void = () => {}
  const ledgers = new Map(
    await Promise.all(
      names.map(async (name) => {
        const connected = await connectLedger(network, name, 'gateway', (step) => listener(step))
        return [name, connected] as const
      }),
    ),
  )
  const ledger = (organisation: string): BenchLedger => {
    const found = ledgers.get(organisation)
    if (found === undefined) throw new RangeError(`there is no organisation ${organisation}`)
    return found
  }
  const tokens = createTokens(signing)
  const issuerOf = (organisation: string): string =>
    constitution.issuers.find((issuer) => issuer.organisation === organisation)?.issuer ?? ''
  const audienceOf = (organisation: string): string =>
    constitution.organisations.find(({ name }) => name === organisation)?.audience ?? ''
  const claimsOf = (user: string): Claims => {
    const { role, organisation } = findPerson(people, user) ?? { role: '', organisation: '' }
    return { issuer: issuerOf(organisation), subject: user, role, audience: audienceOf(organisation) }
  }
  return {
    constitution,
    processes: (record?.network === 'embedded' ? record.parts : []).flatMap(({ name, pid }) =>
      pid === undefined ? [] : [{ name, pid }],
    ),
    gateways: Object.fromEntries(
      (record?.gateways ?? []).map(({ organisation, url }) => [organisation, url]),
    ),
    ledger,
    identityOf(organisation) {
      const { mspId, gateway } = credentialsOf(network.credentials, organisation)
      return { mspId, certificate: gateway.certificate, privateKey: gateway.privateKey }
    },
    profileOf: (organisation) => connectionProfile(topology, network.credentials, organisation),
    chaincode: topology.chaincode.name,
    token: (user) => tokens(claimsOf(user)),
    newToken: (user) => signToken(signing, claimsOf(user)),
    patientToken: (patient, at) =>
      tokens({
        issuer: issuerOf('authority'),
        subject: subjectOf(patient),
        role: 'patient',
        audience: audienceOf(at),
      }),
    recipient: createRecipientKey(),
    quiet: () => waitForQuiet(() => ledger('south').transport.height().blocks),
    listen(next) {
      listener = next
    },
    async close() {
      for (const { transport } of ledgers.values()) transport.close()
      await running.interrupt()
    },
  }
}

/** The subject under which the bench registers a patient. */
export const subjectOf = (patient: string): string => `bench-${patient}`

/** The registration of a new patient with a handle of her own. */
export function newRegistration({ constitution }: Pick<BenchInstance, 'constitution'>): {
  readonly patient: string
  readonly issuer: string
  readonly subject: string
} {
  const patient = randomId()
  const issuer = constitution.issuers.find(({ roles }) => roles.includes('patient'))?.issuer ?? ''
  return { patient, issuer, subject: subjectOf(patient) }
}
