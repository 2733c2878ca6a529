import { timingSafeEqual } from 'node:crypto'
import { sha256Hex } from 'medledger-chaincode/api'

/** What the checks below need to know of an HTTP request. */
export interface Asked {
  readonly remoteAddress: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * Whether a request names the provider's own address as its host. A page whose name was rebound to the loopback address
 * sends its own name.
 */
export const isForHost = ({ headers }: Asked, issuer: string): boolean =>
  headers['host'] === new URL(issuer).host

const isLoopback = (address: string | undefined): boolean =>
  address === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address ?? '')

/** Headers by which a proxy would say that the request came from elsewhere. */
const forwarded = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const

/** Whether a request was made by a program on this machine: not by a browser's page, and through no proxy. */
export const isFromProgram = ({ remoteAddress, headers }: Asked): boolean =>
  isLoopback(remoteAddress) &&
  headers['origin'] === undefined &&
  headers['sec-fetch-site'] === undefined &&
  forwarded.every((name) => headers[name] === undefined)

/** Compares without telling by its time how much of the secret is right. */
export const isSecret = (given: unknown, secret: string): boolean =>
  typeof given === 'string' && timingSafeEqual(Buffer.from(sha256Hex(given)), Buffer.from(sha256Hex(secret)))
