import { randomBytes } from 'node:crypto'
import { generateKeyPair } from 'jose'
import { randomId, type Constitution, type Role } from 'medledger-chaincode/api'
import { depositOf, testNetwork, type Organisation, type TestNetwork } from '../../support/gateway-network.ts'
import { consentOf } from '../../support/ledger-samples.ts'
import { copyOf, type FakeState } from '../../support/ledger-stub.ts'
import { claimsFor, signClaims, type FakeIssuer } from '../../support/ledger-tokens.ts'
import { operatorOf, people } from '../../support/ledger-world.ts'

export const organisations = ['north', 'south', 'authority'] as const satisfies readonly Organisation[]
export const custodians = ['north', 'south'] as const
export type Custodian = (typeof custodians)[number]

/** Somebody who asks: what she presents, and what the ledger knows of her. */
export interface Asker {
  readonly name: string
  readonly presents:
    | 'no token'
    | 'a forged token'
    | 'an expired token'
    | 'another gateway’s token'
    | 'a token'
  /** Whose identity provider signed the token. */
  readonly issuer: Organisation
  readonly subject: string
  /** The roles that the token claims. */
  readonly claimed: readonly Role[]
  /** Undefined for somebody who is not registered, or no longer. */
  readonly registered?: Registration
}

interface Registration {
  readonly role: Role
  readonly organisation: Organisation
  readonly handle: string
}

/** A directive in the words of these tests, from which both the FHIR resource and the expectation are made. */
export interface Said {
  readonly effect: 'permit' | 'deny'
  readonly actors?: readonly (`Practitioner/${string}` | `Organization/${string}` | `role/${string}`)[]
  readonly purposes?: readonly string[]
  readonly types?: readonly string[]
  readonly start?: string
  readonly end?: string
  readonly isRevoked?: true
}

/** A patient, what she has said, and her documents: one with each custodian, if she has any. */
export interface Target {
  readonly name: string
  readonly handle: string
  readonly subject: string
  readonly isRegistered: boolean
  readonly hasDocuments: boolean
  /** Whether the documents are written by the custodian's doctor. */
  readonly isAuthored: boolean
  readonly said: readonly Said[]
  readonly defaultPolicy: 'deny' | 'basic-normal'
  /** By custodian; ids of no document for who has none. */
  readonly documents: Readonly<Record<Custodian, string>>
  /** Ids of the consents, in the order of `said`. */
  readonly consents: string[]
}

export const documentType = '34133-9'
export const authors = { north: people['dr.okafor'].handle, south: people['dr.chen'].handle } as const
const allDoctors = Object.values(authors).map((handle) => `Practitioner/${handle}` as const)

type Outline = Partial<
  Pick<Target, 'isRegistered' | 'hasDocuments' | 'isAuthored' | 'said' | 'defaultPolicy'>
>
const outlines: Readonly<Record<string, Outline>> = {
  'nothing said': {},
  'nothing said, written by the custodian’s doctor': { isAuthored: true },
  'default deny, written by the custodian’s doctor': { isAuthored: true, defaultPolicy: 'deny' },
  'permits two doctors': { said: [{ effect: 'permit', actors: allDoctors }] },
  'permits the role of doctors': { said: [{ effect: 'permit', actors: ['role/doctor'] }] },
  'permits North': { said: [{ effect: 'permit', actors: ['Organization/north'] }] },
  'permits South': { said: [{ effect: 'permit', actors: ['Organization/south'] }] },
  'permits everybody': { said: [{ effect: 'permit' }] },
  'permit expired': { said: [{ effect: 'permit', end: '2026-01-14' }] },
  'permit not begun': { said: [{ effect: 'permit', start: '2026-01-16' }] },
  'permit revoked': { said: [{ effect: 'permit', isRevoked: true }] },
  'permit for another purpose': { said: [{ effect: 'permit', purposes: ['HRESCH'] }] },
  'permit for another type': { said: [{ effect: 'permit', types: ['11502-2'] }] },
  'permit and a deny': { said: [{ effect: 'permit' }, { effect: 'deny', actors: ['role/doctor'] }] },
  'author denied': { isAuthored: true, said: [{ effect: 'deny', actors: allDoctors }] },
  'no documents': { hasDocuments: false, said: [{ effect: 'permit' }] },
  'no documents, nothing said': { hasDocuments: false },
  'unknown patient': { hasDocuments: false, isRegistered: false },
}

/** The gateways of all organisations over one ledger, with the cast on it, and what restores the ledger. */
export interface Stage {
  readonly network: TestNetwork
  readonly targets: readonly Target[]
  askersOf(target: Target): readonly Asker[]
  tokenOf(asker: Asker, gateway: Organisation): Promise<string | undefined>
  /** What has been committed since the last time, as `name custodian`; the ledger's state is set back. */
  takeCommits(): string[]
  /** Peers that were asked, since the last time, about a placement of which their organisation is no member. */
  takeOutsiders(): string[]
}

export async function openStage(constitution: Constitution): Promise<Stage> {
  const network = await testNetwork(constitution)
  const { world, ledger } = network
  const commits: string[] = []
  const stranger = await generateKeyPair('ES256')
  const tokens = new Map<string, Promise<string>>()
  const tokenOf = async (asker: Asker, gateway: Organisation): Promise<string | undefined> => {
    if (asker.presents === 'no token') return undefined
    const name = [asker.name, asker.subject, gateway].join('/')
    const token = tokens.get(name) ?? sign(world, asker, gateway, stranger.privateKey)
    tokens.set(name, token)
    return token
  }
  await registerStaff(network)
  const targets: Target[] = []
  for (const [name, outline] of Object.entries(outlines)) {
    targets.push(await placeTarget(network, name, outline, tokenOf))
  }
  const base = copyOf(world.state)
  const outsiders: string[] = []
  ledger.fault = ({ custodian, organisations: asked = [] }) => {
    const members = constitution.placements.find((placement) => placement.custodian === custodian)?.members
    outsiders.push(...asked.filter((name) => members?.includes(name) === false))
    return undefined
  }
  ledger.afterCommit = ({ name, custodian }) => {
    commits.push([name, ...(custodian === undefined ? [] : [custodian])].join(' '))
    return undefined
  }
  return {
    network,
    targets,
    askersOf: (target) => [
      ...staff,
      ...patientsFor(target),
      ...(strangersAsk.has(target.name) ? strangers : []),
    ],
    tokenOf,
    takeCommits() {
      const taken = commits.splice(0)
      if (taken.length > 0) restore(world.state, base)
      return taken.sort()
    },
    takeOutsiders: () => outsiders.splice(0),
  }
}

function restore(state: FakeState, base: FakeState): void {
  for (const [name, values] of base) state.set(name, new Map(values))
}

async function sign(
  { now, issuers, constitution }: TestNetwork['world'],
  { presents, issuer, subject, claimed }: Asker,
  gateway: Organisation,
  strangersKey: FakeIssuer['privateKey'],
): Promise<string> {
  const elsewhere = gateway === 'north' ? 'south' : 'north'
  const meant = presents === 'another gateway’s token' ? elsewhere : gateway
  const audience = constitution.organisations.find(({ name }) => name === meant)?.audience ?? ''
  const known = issuers.get(issuer)
  if (known === undefined) throw new RangeError(`no issuer for ${issuer}`)
  const at = presents === 'an expired token' ? now - 3_600_000 : now
  const claims = { ...claimsFor(subject, { role: '', audience, now: at }), roles: [...claimed] }
  const key = presents === 'a forged token' ? strangersKey : known.privateKey
  return signClaims({ ...known, privateKey: key }, claims)
}

const person = (name: string, user: keyof typeof people): Asker => {
  const { role, organisation, handle } = people[user]
  return {
    name,
    presents: 'a token',
    issuer: organisation,
    subject: user,
    claimed: [role],
    registered: { role, organisation, handle },
  }
}
const doctor = person('doctor of North', 'dr.okafor')
const everyRole: readonly Role[] = ['doctor', 'patient', 'auditor', 'custodian', 'operator']
const operatorOfSouth = { role: 'operator', organisation: 'south', handle: 'c2'.repeat(16) } as const
const colleague = { role: 'doctor', organisation: 'north', handle: 'a3'.repeat(16) } as const

const staff: readonly Asker[] = [
  doctor,
  person('doctor of South', 'dr.chen'),
  { ...doctor, name: 'colleague of North', subject: 'dr.colleague', registered: colleague },
  person('records office of North', 'records.north'),
  person('records office of South', 'records.south'),
  person('operator of North', 'operator.north'),
  {
    ...person('operator of South', 'operator.north'),
    subject: 'operator.south',
    issuer: 'south',
    registered: operatorOfSouth,
  },
  person('operator of the authority', 'operator.authority'),
  person('auditor', 'auditor.lee'),
  { ...doctor, name: 'doctor who claims every role', claimed: everyRole },
  { ...doctor, name: 'doctor who claims to be an operator only', claimed: ['operator'] },
  unregistered({ ...doctor, name: 'doctor whom the ledger does not know', subject: 'dr.unknown' }),
  unregistered({ ...doctor, name: 'doctor who has left', subject: 'dr.gone' }),
]

/** Whose token is looked at before anything else, so that a few targets will do. */
const strangers: readonly Asker[] = [
  { ...doctor, name: 'nobody', presents: 'no token' },
  { ...doctor, name: 'forger', presents: 'a forged token' },
  { ...doctor, name: 'latecomer', presents: 'an expired token' },
  { ...doctor, name: 'stray', presents: 'another gateway’s token' },
]
export const strangersAsk: ReadonlySet<string> = new Set([
  'nothing said',
  'permits everybody',
  'no documents',
  'unknown patient',
])

function unregistered({ registered: _registered, ...asker }: Asker): Asker {
  return asker
}

/** The patient herself, another one, one who claims every role, and a hospital that claims to speak for her. */
function patientsFor({ subject, handle, isRegistered }: Target): Asker[] {
  const other = person('another patient', 'tomas')
  const registered = { role: 'patient', organisation: 'authority', handle } as const
  const herself: Asker = {
    ...unregistered(other),
    name: 'the patient',
    subject,
    ...(isRegistered && { registered }),
  }
  return [
    herself,
    other,
    { ...other, name: 'another patient who claims every role', claimed: everyRole },
    unregistered({ ...herself, name: 'North’s provider in the patient’s name', issuer: 'north' }),
  ]
}

async function registerStaff({ world }: TestNetwork): Promise<void> {
  const issuerOf = (organisation: string): string => world.issuers.get(organisation)?.issuer ?? ''
  const gone = { role: 'doctor', organisation: 'north', handle: 'a4'.repeat(16) } as const
  const joined = { 'operator.south': operatorOfSouth, 'dr.colleague': colleague, 'dr.gone': gone }
  for (const [subject, { role, organisation, handle }] of Object.entries(joined)) {
    const fields = { person: handle, issuer: issuerOf(organisation), subject, name: subject, role }
    await world.submit('RegisterPerson', fields, operatorOf(organisation))
  }
  await world.submit('DeactivatePerson', { person: gone.handle }, operatorOf('north'))
}

type TokenOf = Stage['tokenOf']

async function placeTarget(
  network: TestNetwork,
  name: string,
  outline: Outline,
  tokenOf: TokenOf,
): Promise<Target> {
  const handle = randomId()
  const target: Target = {
    name,
    handle,
    subject: `patient-${handle}`,
    isRegistered: true,
    hasDocuments: true,
    isAuthored: false,
    said: [],
    defaultPolicy: 'basic-normal',
    ...outline,
    documents: { north: `north-${randomId()}`, south: `south-${randomId()}` },
    consents: [],
  }
  if (!target.isRegistered) return target
  const { world } = network
  const registration = {
    patient: handle,
    issuer: world.issuers.get('authority')?.issuer ?? '',
    subject: target.subject,
  }
  await world.submit('RegisterPatient', registration, operatorOf('authority'))
  if (target.hasDocuments) await Promise.all(custodians.map((at) => deposit(network, target, at, tokenOf)))
  await say(network, target, tokenOf)
  return target
}

/** What only the content of this target's document with this custodian says. */
export const contentOf = ({ handle }: Pick<Target, 'handle'>, custodian: Custodian): string =>
  `content of ${handle} at ${custodian}`

async function deposit(network: TestNetwork, target: Target, at: Custodian, tokenOf: TokenOf): Promise<void> {
  const token = await tokenOf(person('records', `records.${at}`), at)
  const more = { id: target.documents[at], ...(target.isAuthored && { author: authors[at] }) }
  const body = { patient: target.handle, documents: [depositOf(contentOf(target, at), more)] }
  const answer = await network.gateways[at].app.inject({
    method: 'POST',
    url: '/v1/documents',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  })
  if (answer.statusCode !== 200) throw new Error(`not deposited: ${answer.body}`)
}

async function say({ gateways }: TestNetwork, target: Target, tokenOf: TokenOf): Promise<void> {
  const herself = patientsFor(target)[0]
  const token = herself && (await tokenOf(herself, 'authority'))
  const send = async (method: 'POST' | 'PUT', url: string, body: object): Promise<string> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' }
    const answer = await gateways.authority.app.inject({
      method,
      url,
      headers,
      payload: JSON.stringify(body),
    })
    if (answer.statusCode > 201) throw new Error(`not said: ${answer.body}`)
    return answer.json<{ id: string }>().id
  }
  for (const said of target.said) {
    const body = toConsent(target.handle, said)
    const consent = await send('POST', '/fhir/Consent', body)
    target.consents.push(consent)
    if (said.isRevoked === true)
      await send('PUT', `/fhir/Consent/${consent}`, { ...body, status: 'inactive' })
  }
  if (target.defaultPolicy === 'deny') {
    const { provision: _provision, ...rest } = toConsent(target.handle, { effect: 'deny' })
    const policyRule = { coding: [{ system: 'urn:medledger:default-policy', code: 'deny' }] }
    target.consents.push(await send('POST', '/fhir/Consent', { ...rest, policyRule }))
  }
}

/** A FHIR Consent that says this. */
export function toConsent(handle: string, said: Said): Record<string, unknown> {
  const { effect, actors, purposes, types, start, end } = said
  const code = (system: string) => (value: string) => ({ system, code: value })
  const provision = {
    type: effect,
    ...(actors && { actor: actors.map(toActor) }),
    ...(purposes && { purpose: purposes.map(code('http://terminology.hl7.org/CodeSystem/v3-ActReason')) }),
    ...(types && { code: [{ coding: types.map(code('http://loinc.org')) }] }),
    ...((start ?? end) !== undefined && { period: { ...(start && { start }), ...(end && { end }) } }),
  }
  return { ...consentOf(provision), patient: { reference: `Patient/${handle}` } }
}

function toActor(actor: string): Record<string, unknown> {
  const role = /^role\/(.*)$/.exec(actor)?.[1]
  if (role === undefined) return { reference: { reference: actor } }
  return { reference: { identifier: { system: 'urn:medledger:role', value: role } } }
}

/** A name that nothing has had before. */
export const fresh = (): string => randomBytes(16).toString('hex')
