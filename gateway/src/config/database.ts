import { isLoopbackHost } from 'medledger-chaincode/api'

/** A PostgreSQL database, as its URL names it. */
export interface DatabaseLocation {
  /** A name or an address; an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  readonly user: string
  /** Empty when the URL has none. */
  readonly password: string
  readonly database: string
}

const form = 'is not of the form postgres://user:password@host:port/database'

/** Undefined for an empty text. Errors: one line without any of the text. */
export function databaseLocation(text: string): DatabaseLocation | undefined {
  if (text.trim() === '') return undefined
  const url = URL.parse(text.trim())
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) throw new Error(form)
  // What a URL can say to a driver would weaken what is set here: TLS, timeouts, durability.
  if (url.search !== '' || url.hash !== '') throw new Error('takes nothing after the name of the database')
  const database = url.pathname.slice(1)
  const isComplete = isHost(url.hostname) && url.username !== '' && /^[^/]+$/.test(database)
  if (!isComplete) throw new Error(form)
  return {
    host: url.hostname.toLowerCase().replace(/^\[(.+)\]$/, '$1'),
    port: url.port === '' ? 5432 : Number(url.port),
    user: decoded(url.username),
    password: decoded(url.password),
    database: decoded(database),
  }
}

const isHost = (hostname: string): boolean => /^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/i.test(hostname)

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Error(form)
  }
}

/** Whether a database is on this very machine, so that what is said to it stays there. */
export const isOnThisMachine = ({ host }: DatabaseLocation): boolean =>
  isLoopbackHost(host.includes(':') ? `[${host}]` : host)

/** Whether two names are of one database, as far as names tell. */
export const isSameDatabase = (one: DatabaseLocation, other: DatabaseLocation): boolean =>
  one.port === other.port &&
  one.database === other.database &&
  (one.host === other.host || (isOnThisMachine(one) && isOnThisMachine(other)))
