import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { settings, variablesOf } from 'medledger-gateway/config'
import { parse } from 'yaml'
import { issueCredentials } from '../../../../scripts/network/issue.ts'
import {
  chaincodeFiles,
  databaseFiles,
  gatewayFiles,
  mountPoint,
  ordererFiles,
  peerFiles,
  providerFiles,
  type Files,
} from '../../../../scripts/network/docker/container-files.ts'
import { hostOf } from '../../../../scripts/network/names.ts'
import { credentialsOf } from '../../../../scripts/network/profile.ts'
import { containerPorts } from '../../../../scripts/network/reach.ts'
import { demoTopology } from '../../../../scripts/network/topology.ts'
import { readServices, substitute } from '../../../../scripts/start/docker/file.ts'
import { repository } from '../../../../scripts/start/docker/open.ts'

interface Service {
  readonly image: string
  readonly user?: string
  readonly read_only?: boolean
  readonly init?: boolean
  readonly mem_limit?: string
  readonly healthcheck?: object
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly command?: readonly string[]
  readonly network_mode?: string
  readonly networks?: Readonly<Record<string, { readonly aliases: readonly string[] }>>
  readonly environment: Readonly<Record<string, string>>
  readonly volumes: readonly string[]
}

const text = readFileSync(join(repository, 'docker-compose.yml'), 'utf8')
const { services } = parse(text, { merge: true }) as { readonly services: Record<string, Service> }
const topology = demoTopology(7000, 'docker')
const { organisations } = topology.constitution
const service = (name: string): Service => {
  const found = services[name]
  if (found === undefined) throw new Error(`the file has no service ${name}`)
  return found
}
const parts = ['orderer', 'peer', 'chaincode', 'database', 'gateway', 'provider'] as const
const named = organisations.flatMap(({ name }) =>
  parts.map((part) => [`${part}-${name}`, part, name] as const),
)

describe('docker-compose.yml and the topology', () => {
  test('have the same organisations, each with every part, and an operator', () => {
    expect(Object.keys(services).toSorted()).toEqual([...named.map(([name]) => name), 'operator'].toSorted())
  })

  test.each(named.filter(([, part]) => part !== 'provider'))(
    '%s answers under the name in its certificate',
    (name, part, organisation) => {
      const host = hostOf(part === 'gateway' ? 'exchange' : part, organisation)
      expect(service(name).networks?.['medledger']?.aliases).toEqual([host])
    },
  )

  test.each(organisations)(
    '$name listens where the others look for it, as its own MSP',
    ({ name, mspId }) => {
      const orderer = service(`orderer-${name}`).environment
      expect(orderer['ORDERER_GENERAL_LISTENPORT']).toBe(String(containerPorts.orderer))
      expect(orderer['ORDERER_ADMIN_LISTENADDRESS']).toBe(`0.0.0.0:${containerPorts.participation}`)
      expect(orderer['ORDERER_GENERAL_LOCALMSPID']).toBe(mspId)
      const peer = service(`peer-${name}`).environment
      expect(peer['CORE_PEER_ADDRESS']).toBe(`${hostOf('peer', name)}:${containerPorts.peer}`)
      expect(peer['CORE_PEER_LISTENADDRESS']).toBe(`0.0.0.0:${containerPorts.peer}`)
      expect(peer['CORE_PEER_LOCALMSPID']).toBe(mspId)
      const chaincode = service(`chaincode-${name}`).environment
      expect(chaincode['CORE_CHAINCODE_ADDRESS']).toBe(`0.0.0.0:${containerPorts.chaincode}`)
      expect(chaincode['CORE_PEER_LOCALMSPID']).toBe(mspId)
      const gateway = service(`gateway-${name}`).environment
      expect(gateway['MEDLEDGER_ORGANISATION']).toBe(name)
      expect(gateway['MEDLEDGER_EXCHANGE_PORT']).toBe(String(containerPorts.exchange))
      expect(gateway['MEDLEDGER_METRICS_PORT']).toBe(String(containerPorts.metrics))
    },
  )

  test('every variable that a gateway is given is one of its settings', () => {
    const known = new Set(Object.values(settings).flatMap((setting) => variablesOf(setting)))
    for (const { name } of organisations) {
      const given = Object.keys(service(`gateway-${name}`).environment)
      expect(given.filter((variable) => !known.has(variable))).toEqual([])
    }
  })

  test('every file that a container is told of is in its folder', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'medledger-file-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const credentials = await issueCredentials(topology, directory)
    const filesOf = (part: string, organisation: string): Files => {
      const own = credentialsOf(credentials, organisation)
      const contents = { constitution: '', profile: '', partners: '', masterKey: '', databasePassword: 'p' }
      const provider = { constitution: '', people: '', keys: '', secret: '' }
      return {
        orderer: ordererFiles(own),
        peer: peerFiles(organisation, own),
        chaincode: chaincodeFiles(own, ''),
        database: databaseFiles(own, 'p'),
        gateway: gatewayFiles(organisation, { credentials: own, ...contents }),
        provider: providerFiles(provider),
      }[part] as Files
    }
    for (const [name, part, organisation] of named) {
      const { environment, command = [], volumes } = service(name)
      const mentioned = [...Object.values(environment), ...command]
        .flatMap((value) => value.match(/\/run\/medledger\/[\w./-]+/g) ?? [])
        .map((path) => path.slice(mountPoint.length + 1))
      const present = Object.keys(filesOf(part, organisation))
      const missing = mentioned.filter(
        (path) => !present.some((file) => file === path || file.startsWith(`${path}/`)),
      )
      expect([name, missing]).toEqual([name, []])
      expect(volumes[0]).toBe(`\${MEDLEDGER_STATE:-.medledger-docker}/containers/${name}:${mountPoint}:ro`)
    }
  })
})

describe('docker-compose.yml', () => {
  test('publishes gateways only, on the loopback interface', () => {
    const published = Object.entries(services).filter(([, { ports }]) => ports !== undefined)
    expect(published.map(([name]) => name).toSorted()).toEqual(
      organisations.map(({ name }) => `gateway-${name}`).toSorted(),
    )
    for (const [, { ports = [] }] of published)
      expect(ports.every((port) => port.startsWith('127.0.0.1:'))).toBe(true)
  })

  test('gives every container limits, a first process that reaps, and a root that cannot be written', () => {
    for (const [name, one] of Object.entries(services)) {
      expect([name, one.init, one.read_only, typeof one.mem_limit]).toEqual([name, true, true, 'string'])
      const isDaemon = one.profiles === undefined
      if (isDaemon) expect([name, one.healthcheck !== undefined]).toEqual([name, true])
    }
  })

  test('runs what is not Fabric’s own as an ordinary user', () => {
    for (const [name, { image, user = '' }] of Object.entries(services)) {
      if (image.startsWith('hyperledger/')) continue
      expect([name, substitute(user, {})]).toEqual([name, '1000:1000'])
    }
  })

  test('names its images by one version each', async () => {
    const images = new Set([...(await readServices({})).values()].map(({ image }) => image))
    expect([...images].toSorted()).toEqual([
      'hyperledger/fabric-orderer:2.5.16',
      'hyperledger/fabric-peer:2.5.16',
      'medledger-chaincode:local',
      'medledger-gateway:local',
      'postgres:15',
    ])
    const others = new Set(
      [...(await readServices({ FABRIC_VERSION: '2.5.99' })).values()].map(({ image }) => image),
    )
    expect(others).toContain('hyperledger/fabric-peer:2.5.99')
  })
})
