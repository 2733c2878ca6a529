/** Host name of an organisation's part, the one in its TLS certificate: `peer.north.medledger.test`. */
export const hostOf = (part: string, organisation: string): string => `${part}.${organisation}.medledger.test`
