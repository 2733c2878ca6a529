import { portsOf, type NetworkKind, type Topology } from '../network/topology.ts'

/** Where one organisation's servers answer people and their programs. */
export interface Addresses {
  readonly organisation: string
  readonly gateway: string
  /** The gateway's interface as a page. */
  readonly documentation: string
  /** The gateway's metrics, on a port of their own; of a network of containers only from inside. */
  readonly metrics?: string
  /** The development identity provider. */
  readonly provider: string
}

export const localUrl = (port: number): string => `http://127.0.0.1:${port}`

/** The addresses of an instance, in the order of the organisations. */
export const addressesOf = (
  topology: Pick<Topology, 'constitution' | 'firstPort'> & { readonly kind?: NetworkKind },
): readonly Addresses[] =>
  topology.constitution.organisations.map(({ name }) => {
    const { gateway, metrics, provider } = portsOf(topology, name)
    return {
      organisation: name,
      gateway: localUrl(gateway),
      documentation: `${localUrl(gateway)}/docs`,
      ...(topology.kind !== 'docker' && { metrics: `${localUrl(metrics)}/metrics` }),
      provider: localUrl(provider),
    }
  })
