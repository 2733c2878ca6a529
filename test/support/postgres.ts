import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { once } from 'node:events'
import { Client } from 'pg'
import type { DatabaseLocation } from '../../gateway/src/config/index.ts'
import type { IssuedPair } from '../../scripts/network/certificates.ts'
import { poll } from './poll.ts'

/** Where the throw-away server of a test run listens, on loopback; it trusts everybody. */
export interface PostgresAddress {
  readonly port: number
}

/** A throw-away server of a test's own. */
export interface TestPostgres extends PostgresAddress {
  /** Ends it as an operator would for a restart; sessions are cut off. */
  stop(): Promise<void>
  /** Starts it again on the same port, with what it held. */
  start(): Promise<void>
  /** Stops its processes where they are, or lets them go on: it takes connections and answers nothing. */
  freeze(): void
  thaw(): void
  remove(): Promise<void>
}

const user = 'medledger'

export const locationOf = ({ port }: PostgresAddress, database: string): DatabaseLocation => ({
  host: '127.0.0.1',
  port,
  user,
  password: '',
  database,
})

/** Asks the server itself, as its administrator. */
export async function administer(
  address: PostgresAddress,
  sql: string,
  database = 'postgres',
): Promise<unknown[]> {
  const client = new Client({ ...locationOf(address, database), connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

/** The folder of a server that is new enough, and how to run its programs; else why there is none. */
export function findPostgres(): { readonly binaries: string; readonly asUser: readonly string[] } | string {
  const binaries = folders().find((folder) => isProgram(join(folder, 'initdb')) && versionOf(folder) >= 15)
  if (binaries === undefined) return 'no PostgreSQL 15 or newer is installed'
  if (process.getuid?.() !== 0) return { binaries, asUser: [] }
  // A server refuses to run as root.
  if (idOf('-u') === undefined) return 'the tests run as root, and there is no user postgres'
  const asUser = [
    'setpriv',
    '--reuid=postgres',
    '--regid=postgres',
    '--clear-groups',
    '--pdeathsig=INT',
    '--',
  ]
  return { binaries, asUser }
}

function folders(): string[] {
  const versions = list('/usr/lib/postgresql').toSorted((one, other) => Number(other) - Number(one))
  const packaged = versions.map((version) => join('/usr/lib/postgresql', version, 'bin'))
  return [...(process.env['PATH'] ?? '').split(delimiter), ...packaged]
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const versionOf = (folder: string): number =>
  Number(/\d+/.exec(execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' }))?.[0])

function idOf(flag: '-u' | '-g'): number | undefined {
  try {
    return Number(
      execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )
  } catch {
    return undefined
  }
}

/** With a certificate (PEM), it takes connections over TLS too. */
export async function startPostgres(port: number, tls?: IssuedPair): Promise<TestPostgres> {
  const found = findPostgres()
  if (typeof found === 'string') throw new Error(found)
  const { binaries, asUser } = found
  const directory = mkdtempSync(join(tmpdir(), 'medledger-postgres-'))
  if (asUser.length > 0) chownSync(directory, idOf('-u') ?? 0, idOf('-g') ?? 0)
  const run = (program: string, words: readonly string[]): [string, string[]] => {
    const [first = '', ...rest] = [...asUser, join(binaries, program), ...words]
    return [first, rest]
  }
  const data = join(directory, 'data')
  execFileSync(
    ...run('initdb', ['-D', data, '-U', user, '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8']),
    { stdio: 'pipe', cwd: directory },
  )
  const certificate = join(directory, 'server.crt')
  const key = join(directory, 'server.key')
  if (tls !== undefined) {
    writeFileSync(certificate, tls.certificate)
    writeFileSync(key, tls.privateKey, { mode: 0o600 })
    if (asUser.length > 0) chownSync(key, idOf('-u') ?? 0, idOf('-g') ?? 0)
  }
  const settings = {
    ...(tls !== undefined && { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key }),
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    fsync: 'off',
    log_min_messages: 'panic',
    max_connections: 200,
  }
  const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let server: ChildProcess | undefined
  const stop = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGINT')
    await ended
  }
  const start = async (): Promise<void> => {
    const child = spawn(...run('postgres', ['-D', data, ...words]), {
      stdio: 'ignore',
      cwd: directory,
    })
    server = child
    await poll('a PostgreSQL server', () => {
      if (child.exitCode !== null)
        throw new Error(`PostgreSQL ended with ${child.exitCode}: is port ${port} taken?`)
      return administer({ port }, 'select 1').catch(() => undefined)
    })
  }
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of [server?.pid, ...childrenOf(server?.pid)])
      if (pid !== undefined) process.kill(pid, name)
  }
  await start()
  return {
    port,
    stop,
    start,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async remove() {
      await stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function childrenOf(pid: number | undefined): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child = 0, parent]) => (parent === pid ? [child] : []))
}
