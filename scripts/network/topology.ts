import type { Constitution, Placement, Role } from 'medledger-chaincode/api'
import { chaincodePackage } from './chaincode-package.ts'

/** Ours, in one process; or Fabric itself, each part in a container of its own. */
export type NetworkKind = 'embedded' | 'docker'

/**
 * A network as a value: who takes part, whose records lie where, and at which addresses the parts listen.
 * Everything else (certificates, genesis block, connection profiles, process settings) follows from it.
 */
export interface Topology {
  readonly kind: NetworkKind
  readonly constitution: Constitution
  readonly chaincode: ChaincodeDefinition
  /** Names of the organisations that run an orderer; the embedded network has one. The first opens the registry. */
  readonly orderers: readonly [string, ...string[]]
  /** The first of a block of ports: see {@link portsOf}. */
  readonly firstPort: number
}

export interface ChaincodeDefinition {
  readonly name: string
  readonly version: string
  /** What the chaincode process registers as, Fabric's `label:hash`. */
  readonly packageId: string
}

/**
 * Ports of one organisation's parts, all on the loopback interface. Of a Docker network only the gateway and the provider are
 * reached there.
 */
export interface Ports {
  readonly gateway: number
  /** Where the gateway answers other organisations' gateways, over mutual TLS. */
  readonly exchange: number
  readonly peer: number
  readonly chaincode: number
  /** Of the development identity provider. */
  readonly provider: number
  /** Where the gateway's monitoring asks for metrics. */
  readonly metrics: number
}

export const defaultFirstPort = 7710

const organisation = (name: string, title: string): Constitution['organisations'][number] => ({
  name,
  title,
  mspId: `${name.charAt(0).toUpperCase()}${name.slice(1)}MSP`,
  audience: `urn:medledger:gateway:${name}`,
})

const organisations = [
  organisation('north', 'North Hospital'),
  organisation('south', 'South Hospital'),
  organisation('authority', 'Health Authority'),
]

/** An organisation's development provider, by its address: the ledger knows people by it, so it must not change. */
const issuer = (name: string, roles: Role[], firstPort: number): Constitution['issuers'][number] => {
  const { provider } = portsIn(organisations, firstPort, name)
  return { issuer: `http://127.0.0.1:${provider}`, organisation: name, roles }
}

function topology(placements: Placement[], firstPort: number, kind: NetworkKind): Topology {
  return {
    kind,
    constitution: {
      channel: 'medledger',
      organisations,
      issuers: [
        issuer('north', ['doctor', 'custodian', 'operator'], firstPort),
        issuer('south', ['doctor', 'custodian', 'operator'], firstPort),
        issuer('authority', ['patient', 'auditor', 'operator'], firstPort),
      ],
      placements,
      defaultPolicy: 'deny',
    },
    chaincode: { name: 'medledger', version: '1', packageId: chaincodePackage('medledger_1').id },
    orderers: kind === 'embedded' ? ['authority'] : ['authority', 'north', 'south'],
    firstPort,
  }
}

/** The demonstration network: two hospitals and a health authority, every placement held by all three. */
export function demoTopology(firstPort = defaultFirstPort, kind: NetworkKind = 'embedded'): Topology {
  const members = ['north', 'south', 'authority']
  return topology(
    [
      { custodian: 'north', members },
      { custodian: 'south', members },
    ],
    firstPort,
    kind,
  )
}

/** The same organisations, but South holds nothing of North's placement: its operator can read none of it. */
export function narrowTopology(firstPort = defaultFirstPort, kind: NetworkKind = 'embedded'): Topology {
  return topology(
    [
      { custodian: 'north', members: ['north', 'authority'] },
      { custodian: 'south', members: ['north', 'south', 'authority'] },
    ],
    firstPort,
    kind,
  )
}

export const portsPerOrganisation = 6

/** The ports of an organisation: gateways come first and in the order of the organisations, so that N is North's. */
export const portsOf = (
  { constitution, firstPort }: Pick<Topology, 'constitution' | 'firstPort'>,
  name: string,
): Ports => portsIn(constitution.organisations, firstPort, name)

function portsIn(organisations: Constitution['organisations'], firstPort: number, name: string): Ports {
  const count = organisations.length
  const index = organisations.findIndex((candidate) => candidate.name === name)
  if (index < 0) throw new RangeError(`the topology has no organisation ${name}`)
  return {
    gateway: firstPort + index,
    exchange: firstPort + count + index,
    peer: firstPort + 2 * count + index,
    chaincode: firstPort + 3 * count + index,
    provider: firstPort + 4 * count + index,
    metrics: firstPort + 5 * count + index,
  }
}

export const ordererPort = ({ constitution, firstPort }: Topology): number =>
  firstPort + portsPerOrganisation * constitution.organisations.length

/** Every port of this machine that the network listens on, for a check before anything is started. */
export function allPorts(value: Topology): readonly number[] {
  if (value.kind === 'docker')
    return value.constitution.organisations.flatMap(({ name }) => {
      const { gateway, provider } = portsOf(value, name)
      return [gateway, provider]
    })
  const last = ordererPort(value)
  return Array.from({ length: last - value.firstPort + 1 }, (_, index) => value.firstPort + index)
}
