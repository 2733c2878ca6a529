import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Constitution } from 'medledger-chaincode/api'
import { inject } from 'vitest'
import { findPerson, readPeople, type DevelopmentPerson } from '../../scripts/development/index.ts'
import type { NetworkKind } from '../../scripts/network/topology.ts'
import { crashContainer } from './containers.ts'
import { control, processOf } from './instance.ts'
import { signToken } from './sign-token.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The network that the suite runs on, by its addresses. */
    network: NetworkAddress
  }
}

export interface NetworkAddress {
  readonly constitution: Constitution
  readonly kind: NetworkKind
  /** URLs of the gateways by organisation. */
  readonly gateways: Readonly<Record<string, string>>
  /** Where the development providers' keys and the people of this network are kept. */
  readonly data: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The parsed JSON; tests know what they asked for. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
  readonly text: string
  /** Entries that the request committed. */
  readonly entries: readonly string[]
}

export interface Ask {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Organisation whose gateway is asked instead of the user's own. */
  readonly at?: string
  /** A token to send instead of a fresh one of the user's. */
  readonly token?: string
}

/** A network under test: who is there, and what they can ask. */
export interface Network extends NetworkAddress {
  person(user: string): DevelopmentPerson
  token(user: string, at?: string): Promise<string>
  ask(user: string, path: string, ask?: Ask): Promise<Answer>
  /** Stops a part for the time of `during`. */
  without<Value>(part: string, during: () => Promise<Value>): Promise<Value>
  /** Ends a part of its own with SIGKILL; it is started again by who watches over it. */
  kill(part: string): Promise<void>
}

/** Where an instance's gateways are, as it has written down itself. */
export function addressOf(data: string): NetworkAddress {
  const record = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as {
    readonly network: NetworkKind
    readonly topology: { readonly constitution: Constitution }
    readonly gateways: readonly { readonly organisation: string; readonly url: string }[]
  }
  return {
    kind: record.network,
    constitution: record.topology.constitution,
    gateways: Object.fromEntries(record.gateways.map(({ organisation, url }) => [organisation, url])),
    data,
  }
}

/** The network that was started for this suite, or one at other addresses. */
export async function openNetwork(address = inject('network')): Promise<Network> {
  const people = (await readPeople(join(address.data, 'people.json'))) ?? []
  const person = (user: string): DevelopmentPerson => {
    const found = findPerson(people, user)
    if (found === undefined) throw new Error(`there is no ${user} in this network`)
    return found
  }
  const token = async (user: string, at?: string): Promise<string> => {
    const { role, organisation } = person(user)
    const audience = address.constitution.organisations.find(
      ({ name }) => name === (at ?? organisation),
    )?.audience
    return signToken(address.data, organisation, { subject: user, role, audience: audience ?? '' })
  }
  return {
    ...address,
    person,
    token,
    async ask(user, path, options = {}) {
      const authorization = `Bearer ${options.token ?? (await token(user, options.at))}`
      return send(address, options.at ?? person(user).organisation, path, {
        ...options,
        headers: { authorization, ...options.headers },
      })
    },
    async without(part, during) {
      await control(address.data, 'stop', part)
      try {
        return await during()
      } finally {
        await control(address.data, 'start', part)
      }
    },
    async kill(part) {
      if (address.kind === 'docker') await crashContainer(address.data, part)
      else process.kill(processOf(address.data, part), 'SIGKILL')
    },
  }
}

/** Sends a request to an organisation's gateway; a body that is not a string is sent as FHIR JSON. */
export async function send(
  { gateways }: Pick<NetworkAddress, 'gateways'>,
  organisation: string,
  path: string,
  { method, body, headers }: Omit<Ask, 'at' | 'token'> = {},
): Promise<Answer> {
  const sent = bodyOf(body)
  const response = await fetch(`${gateways[organisation]}${path}`, {
    method: method ?? (sent === undefined ? 'GET' : 'POST'),
    headers: { ...(sent !== undefined && { 'content-type': 'application/fhir+json' }), ...headers },
    ...(sent !== undefined && { body: sent }),
  })
  const text = await response.text()
  const entries = response.headers.get('x-medledger-entry')?.split(', ') ?? []
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
    text,
    entries: entries.filter((entry) => entry !== ''),
  }
}

/** Text and bytes are sent as they are, everything else as JSON. */
function bodyOf(body: unknown): string | Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined || typeof body === 'string') return body
  return body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body)
}

/** The stable code of an error answer. */
export const codeOf = ({ body }: Answer): string =>
  body.code ?? body.issue?.[0]?.details?.coding?.[0]?.code ?? 'none'
