import { openDockerNetwork } from '../../scripts/start/docker/open.ts'
import { comparePeers, inspectNodes } from '../../scripts/start/docker/steps.ts'
import { docker } from '../../scripts/network/docker/compose.ts'
import { containerPorts } from '../../scripts/network/reach.ts'
import type { Compared } from '../../scripts/network/docker/compare.ts'
import { containerOf } from './containers.ts'
import type { Network } from './network.ts'
import { poll } from './poll.ts'

/** What can be done to the containers of a network, at once and without being asked twice. */
export interface Faults {
  /** Ends containers with SIGKILL; they stay away until {@link Faults.start}. */
  stop(...services: readonly string[]): Promise<void>
  start(...services: readonly string[]): Promise<void>
  pause(service: string): Promise<void>
  resume(service: string): Promise<void>
  /** The organisation whose orderer leads. */
  leader(): Promise<string>
  /** Waits until all peers have the same height, then compares their chains. */
  compare(): Promise<Compared>
  /** Waits until every organisation's own peer holds all private values that it may: none is lost. */
  complete(): Promise<void>
  /** Memory of each container in MiB. */
  memory(): Promise<Readonly<Record<string, number>>>
}

const leaderMetric = /^consensus_etcdraft_is_leader\{channel="medledger"\} 1$/m
const missingMetric = /^medledger_projection_missing_values(?:\{[^}]*\})? (\d+)$/m
const askMetrics = (port: number): string =>
  `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET /metrics HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3; cat <&3`

export function faultsOn({ data, constitution }: Network): Faults {
  const names = constitution.organisations.map(({ name }) => name)
  const each = async (action: string, services: readonly string[]): Promise<void> => {
    const ids = await Promise.all(services.map((service) => containerOf(data, service)))
    await docker([action, ...ids])
  }
  const leads = async (name: string): Promise<boolean> => {
    const id = await containerOf(data, `orderer-${name}`)
    const text = await docker(['exec', id, 'bash', '-c', askMetrics(8443)]).catch(() => '')
    return leaderMetric.test(text)
  }
  return {
    stop: (...services) => each('kill', services),
    start: (...services) => each('start', services),
    pause: (service) => each('pause', [service]),
    resume: (service) => each('unpause', [service]),
    leader: () =>
      poll(
        'an orderer that leads',
        async () => {
          const found = await Promise.all(names.map(leads))
          return names[found.indexOf(true)]
        },
        { deadlineMs: 30_000, everyMs: 500 },
      ),
    async compare() {
      const network = await openDockerNetwork(data)
      await poll(
        'all peers at one height',
        async () => {
          const nodes = await inspectNodes(network)
          const heights = nodes.map(({ peer }) => ('fault' in peer ? -1 : peer.height))
          return heights.every((height) => height >= 0 && height === heights[0]) ? true : undefined
        },
        { deadlineMs: 90_000, everyMs: 1000 },
      )
      return comparePeers(network)
    },
    async complete() {
      const missingAt = async (name: string): Promise<number> => {
        const id = await containerOf(data, `gateway-${name}`)
        const text = await docker(['exec', id, 'bash', '-c', askMetrics(containerPorts.metrics)])
        const found = missingMetric.exec(text)?.[1]
        if (found === undefined) throw new Error(`the gateway of ${name} does not say what is missing`)
        return Number(found)
      }
      await poll(
        'every peer to hold every private value',
        async () => {
          const counts = await Promise.all(names.map(missingAt))
          return counts.every((count) => count === 0) ? true : undefined
        },
        { deadlineMs: 120_000, everyMs: 1000 },
      )
    },
    async memory() {
      const { compose } = await openDockerNetwork(data)
      const containers = await compose.containers()
      return Object.fromEntries(
        containers.map(({ service, memoryBytes = 0 }) => [service, Math.round(memoryBytes / 1024 ** 2)]),
      )
    },
  }
}
