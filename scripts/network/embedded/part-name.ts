/** A part of the network that can be stopped and started: the orderer, or `peer-` and an organisation's name. */
export type PartName = 'orderer' | `peer-${string}`

export const peerName = (organisation: string): PartName => `peer-${organisation}`

/** The organisation whose peer it is; undefined for the orderer. */
export const organisationOf = (name: PartName): string | undefined =>
  name === 'orderer' ? undefined : name.slice('peer-'.length)
