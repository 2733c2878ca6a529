import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SignJWT } from 'jose'
import { randomId, type Constitution, type TokenProfile } from 'medledger-chaincode/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../../../gateway/src/ledger/client.ts'
import { createAuthority, issueLeaf } from '../../../scripts/network/certificates.ts'
import { credentialsOf } from '../../../scripts/network/profile.ts'
import { portsOf } from '../../../scripts/network/topology.ts'
import { connectOperator } from '../../../scripts/start/operator.ts'
import type { Prepared } from '../../../scripts/start/prepare.ts'
import { newDocument, newPatient, organisation, type TestPatient } from '../../support/clinic.ts'
import { medledger } from '../../support/command-line.ts'
import { control, startInstance, type RunningInstance } from '../../support/instance.ts'
import { addressOf, codeOf, openNetwork, type Answer, type Network } from '../../support/network.ts'
import { preparedOf, startOwnGateway, type OwnGateway } from '../../support/own-gateway.ts'
import { poll } from '../../support/poll.ts'
import { testPort } from '../../support/ports.ts'

let data: string
let instance: RunningInstance
let prepared: Prepared
let network: Network
let patient: TestPatient
let document: string
const started: OwnGateway[] = []

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'medledger-own-'))
  instance = await startInstance(data, ['--no-demo', '--port', String(testPort(440))])
  prepared = await preparedOf(data)
  network = await openNetwork(addressOf(data))
  patient = await newPatient(network)
  document = await newDocument(network, patient.handle, 'north')
  await patient.grant({ type: 'permit', actor: [organisation('south'), organisation('north')] })
})

afterAll(async () => {
  for (const gateway of started) gateway.signal('SIGKILL')
  await instance.interrupt()
  await rm(data, { recursive: true, force: true })
})

async function start(name: string, environment: Record<string, string> = {}): Promise<OwnGateway> {
  const gateway = await startOwnGateway(prepared, name, environment)
  started.push(gateway)
  return gateway
}

/** The error with which a connection to a port is refused, if it is. */
const refusal = (port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
  })

describe('a gateway that is told to stop by SIGTERM', () => {
  const pidOf = (name: string): number => {
    const { parts } = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as {
      readonly parts: readonly { readonly name: string; readonly pid: number }[]
    }
    return parts.find((part) => part.name === name)?.pid ?? 0
  }
  const underWay = (): true | undefined => {
    const file = join(prepared.paths.gateway('south').data, 'gateway.sqlite')
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      database.exec('PRAGMA busy_timeout = 2000')
      return database.prepare("SELECT 1 FROM outbox WHERE state = 'pending'").get() && true
    } finally {
      database.close()
    }
  }

  test('finishes the request that is under way, takes no connection meanwhile, and ends with exit code 0', async () => {
    const gateway = await start('south', { MEDLEDGER_STOP_SECONDS: '15' })
    const { gateway: port } = portsOf(prepared.topology, 'south')
    expect(await refusal(port)).toBeUndefined()
    // The custodian must endorse, and its chaincode does not answer for the moment.
    const chaincode = pidOf('chaincode-north')
    process.kill(chaincode, 'SIGSTOP')
    let reading: Promise<Answer>
    try {
      reading = network.ask('dr.chen', `/fhir/Bundle/${document}`)
      reading.catch(() => undefined)
      await poll('the request to be on its way to the ledger', underWay)
      gateway.signal('SIGTERM')
      await poll('the port to be closed', async () => (await refusal(port)) === 'ECONNREFUSED' || undefined)
      expect(gateway.exitCode()).toBeUndefined()
    } finally {
      process.kill(chaincode, 'SIGCONT')
    }
    const answer = await reading
    expect([answer.status, answer.body.resourceType]).toEqual([200, 'Bundle'])
    expect(answer.headers.get('connection')).toBe('close')
    await poll('the process to end', () => gateway.exitCode() !== undefined || undefined)
    expect(gateway.exitCode()).toBe(0)
    expect(gateway.log()).toContain('"outcome":"complete"')
    await control(data, 'start', 'gateway-south')
    const entries = (await patient.log()).map(({ entry }) => entry)
    expect(entries).toContain(answer.entries[0])
  })
})

interface Signing {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly jwk: object
}

/** An RSA key as Keycloak publishes it: with its use, and here without its algorithm. */
function newSigning(kid: string): Signing {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' } }
}

describe('a gateway whose staff sign in at a provider of Keycloak’s form, over https', () => {
  const realm = '/realms/north'
  const [published, unpublished] = [newSigning('published'), newSigning('unpublished')]
  const subject = randomId()
  const asked: string[] = []
  let server: Server
  let issuer: string
  let constitution: Constitution

  /** Serves a realm's discovery document and keys, with a certificate of an authority of its own. */
  async function serveRealm(): Promise<string> {
    const now = Date.now()
    const authority = await createAuthority({ commonName: 'ca.example', organisation: 'Test' }, now)
    const leaf = await issueLeaf(
      authority,
      { subject: { commonName: 'login.example', organisation: 'Test' }, hosts: ['localhost'] },
      now,
    )
    const certs = `${realm}/protocol/openid-connect/certs`
    server = createServer({ key: leaf.privateKey, cert: leaf.certificate }, ({ url = '' }, response) => {
      asked.push(url)
      const body =
        url === certs ? { keys: [published.jwk] } : { issuer, jwks_uri: issuer.replace(realm, certs) }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    issuer = `https://localhost:${(server.address() as AddressInfo).port}${realm}`
    return authority.certificate
  }

  /** North's people now sign in there, as every organisation's chaincode is told. */
  async function changeConstitution(): Promise<void> {
    const { constitution: before } = prepared.topology
    const token: TokenProfile = { type: 'JWT', clientClaim: 'azp', rolesClaim: ['realm_access', 'roles'] }
    constitution = {
      ...before,
      issuers: before.issuers.map((one) => (one.organisation === 'north' ? { ...one, issuer, token } : one)),
    }
    await writeFile(prepared.paths.constitution, JSON.stringify(constitution))
    for (const { name } of constitution.organisations) {
      await control(data, 'stop', `chaincode-${name}`)
      await control(data, 'start', `chaincode-${name}`)
    }
  }

  const addKeys = async (...keys: object[]): Promise<{ code: number | null; stdout: string }> => {
    const file = join(data, 'jwks.json')
    await writeFile(file, JSON.stringify({ keys }))
    const { operator } = credentialsOf(prepared.credentials, 'north')
    return medledger(['keys', 'add', '--org', 'north', '--jwks', file, '--alg', 'PS256', '--json'], {
      MEDLEDGER_OPERATOR_CERTIFICATE_FILE: operator.certificateFile,
      MEDLEDGER_OPERATOR_PRIVATE_KEY_FILE: operator.privateKeyFile,
      MEDLEDGER_CONSTITUTION_FILE: prepared.paths.constitution,
      MEDLEDGER_CONNECTION_PROFILE_FILE: prepared.paths.gateway('north').profile,
    })
  }

  async function registerDoctor(): Promise<void> {
    const transport = await connectOperator(prepared, 'north', () => undefined)
    const fields = { person: randomId(), issuer, subject, name: 'Dr Kim Berg', role: 'doctor' } as const
    const client = createClient(transport, constitution, 'north')
    await poll('the doctor to be registered', async () => {
      try {
        return await client.submit('RegisterPerson', fields)
      } catch {
        return undefined
      }
    })
    transport.close()
  }

  /** An access token as Keycloak makes them, whose header leaves open what it is. */
  const tokenOf = ({ kid, privateKey }: Signing, claims: object = {}): Promise<string> =>
    new SignJWT({
      typ: 'Bearer',
      azp: 'medledger-portal',
      sid: randomId(),
      acr: '1',
      scope: 'openid medledger',
      realm_access: { roles: ['default-roles-north', 'doctor', 'offline_access', 'uma_authorization'] },
      ...claims,
    })
      .setProtectedHeader({ alg: 'PS256', typ: 'JWT', kid })
      .setIssuer(issuer)
      .setSubject(subject)
      .setAudience('urn:medledger:gateway:north')
      .setJti(`onrtac:${randomId()}`)
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(privateKey)
  const read = async (token: Promise<string>): Promise<Answer> =>
    network.ask('dr.okafor', `/fhir/Bundle/${document}`, { token: await token })

  beforeAll(async () => {
    const authority = await serveRealm()
    await changeConstitution()
    expect(await addKeys(published.jwk, unpublished.jwk)).toMatchObject({
      code: 0,
      stdout: '{"added":["published","unpublished"]}\n',
    })
    await registerDoctor()
    await start('north', { MEDLEDGER_IDENTITY_PROVIDERS: JSON.stringify({ [issuer]: { authority } }) })
  })
  afterAll(() => server.close())

  test('takes their tokens, and the ledger does', async () => {
    const answer = await read(tokenOf(published))
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('Composition')])
    expect(asked).toEqual([
      `${realm}/.well-known/openid-configuration`,
      `${realm}/protocol/openid-connect/certs`,
    ])
    const entry = (await patient.log()).find((row) => row.entry === answer.entries[0])
    expect(entry).toMatchObject({ person: 'Dr Kim Berg', organisation: 'north', outcome: 'permit' })
  })

  test('refuses a key that the ledger has and the provider does not publish', async () => {
    const answer = await read(tokenOf(unpublished))
    expect([answer.status, codeOf(answer)]).toEqual([401, 'INVALID_TOKEN'])
  })

  test.each([
    ['an ID token', 401, { typ: 'ID' }],
    ['a token without a client', 401, { azp: undefined }],
    ['one whose roles stand where RFC 9068 has them', 401, { realm_access: undefined, roles: ['doctor'] }],
    ['one of a role that may not read', 403, { realm_access: { roles: ['auditor'] } }],
  ])('refuses %s with %i', async (_what, status, claims) => {
    expect((await read(tokenOf(published, claims))).status).toBe(status)
  })

  test('takes none of the provider from before', async () => {
    expect((await network.ask('dr.okafor', `/fhir/Bundle/${document}`)).status).toBe(401)
  })

  test('a key that is added again changes nothing, and another key under its id is refused', async () => {
    expect(await addKeys(published.jwk)).toMatchObject({ code: 0 })
    expect((await addKeys(newSigning('published').jwk)).code).toBe(1)
  })
})
