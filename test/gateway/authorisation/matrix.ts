import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Cell, Seat } from './requests.ts'
import type { Verdict } from './rules.ts'

/** A route as the application has registered it, e.g. `GET /fhir/Bundle/:id`. */
export interface Registered {
  readonly method: string
  readonly url: string
}

/** What applications register while `during` runs, each as a list of its own. */
export async function watchRoutes<Value>(
  during: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly routesOf: (app: FastifyInstance) => readonly Registered[] }> {
  const seen = new Map<unknown, Registered[]>()
  const watch = (message: unknown): void => {
    const { fastify } = message as { readonly fastify: FastifyInstance }
    const routes: Registered[] = []
    seen.set(fastify.server, routes)
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.push({ method: one, url })
    })
  }
  subscribe('fastify.initialization', watch)
  try {
    const value = await during()
    return { value, routesOf: (app) => seen.get(app.server) ?? [] }
  } finally {
    unsubscribe('fastify.initialization', watch)
  }
}

/** The first answer for each reason, against which all others with that reason are held. */
export type Canon = Map<string, Seen>

export interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** What is left of an answer without what names this very request. */
export function seenOf(answer: LightMyRequestResponse, url: string): Seen {
  const { 'x-request-id': id, 'x-medledger-entry': entries, date: _date, ...headers } = answer.headers
  const asked = /[0-9a-f]{32}$/.exec(url)?.[0]
  const named = answer.body.replaceAll(String(id), '<id>')
  return {
    status: answer.statusCode,
    headers: {
      ...headers,
      ...(entries !== undefined && {
        'x-medledger-entry': String(entries).replaceAll(/[0-9a-f]{32}/g, '<entry>'),
      }),
    },
    body: asked === undefined ? named : named.replaceAll(asked, '<asked>'),
  }
}

/** Requests that leave an entry which the answer names. */
const withEntry = /^(GrantConsent|RevokeConsent|RequestAccess|RecordReading) /

export interface Tally {
  readonly verdicts: Map<string, number>
  readonly differences: string[]
}

/** Asks a cell's question and notes every difference between what came and what must come. */
export async function ask(seat: Seat, method: string, cell: Cell, canon: Canon, tally: Tally): Promise<void> {
  const { stage, asker, gateway, target } = seat
  await cell.prepare?.()
  const token = await stage.tokenOf(asker, gateway)
  const answer = await stage.network.gateways[gateway].app.inject({
    method: method as 'GET',
    url: cell.url,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(cell.body !== undefined && { 'content-type': 'application/fhir+json' }),
      ...cell.headers,
    },
    ...(cell.body !== undefined && { payload: JSON.stringify(cell.body) }),
  })
  const commits = stage.takeCommits()
  const faults = [
    ...unexpected(cell.expected, answer, commits),
    ...shownWrongly(cell, answer),
    ...unlike(cell, answer, canon),
    ...stage.takeOutsiders().map((name) => `asked ${name}, which holds nothing of it`),
  ]
  const { status, code = 'answered' } = cell.expected
  const name = `${status} ${code}${commits.length > 0 ? ', committed' : ''}`
  tally.verdicts.set(name, (tally.verdicts.get(name) ?? 0) + 1)
  for (const fault of faults) {
    tally.differences.push(`${method} ${cell.url} by ${asker.name} at ${gateway} (${target.name}): ${fault}`)
  }
}

export function codeIn({ body }: Pick<LightMyRequestResponse, 'body'>): string | undefined {
  const read = (body === '' ? {} : JSON.parse(body)) as {
    readonly code?: string
    readonly issue?: readonly {
      readonly details?: { readonly coding?: readonly { readonly code?: string }[] }
    }[]
  }
  return read.code ?? read.issue?.[0]?.details?.coding?.[0]?.code
}

function unexpected(
  { status, code, commits }: Verdict,
  answer: LightMyRequestResponse,
  made: string[],
): string[] {
  const entries = String(answer.headers['x-medledger-entry'] ?? '').split(', ')
  const named = entries.filter((entry) => /^[0-9a-f]{32}$/.test(entry)).length
  const left = commits.filter((commit) => withEntry.test(commit)).length
  const isRefused = code !== undefined
  return [
    ...(answer.statusCode === status ? [] : [`${answer.statusCode} instead of ${status}: ${answer.body}`]),
    ...(!isRefused || codeIn(answer) === code ? [] : [`${codeIn(answer)} instead of ${code}`]),
    ...(made.join() === commits.join() ? [] : [`committed ${made.join()} instead of ${commits.join()}`]),
    ...(named === left ? [] : [`names ${named} entries of ${left}`]),
  ]
}

const content = /content of [0-9a-f]{32} at [a-z]+/g

function shownWrongly({ holds = [] }: Cell, { body }: LightMyRequestResponse): string[] {
  const missing = holds.filter((text) => !body.includes(text))
  const beyond = (body.match(content) ?? []).filter((text) => !holds.includes(text))
  return [
    ...missing.map((text) => `does not hold ${text}: ${body}`),
    ...beyond.map((text) => `shows ${text}`),
  ]
}

/** Answers with the same reason must not differ, wherever and about whomever they are given. */
function unlike({ expected, url }: Cell, answer: LightMyRequestResponse, canon: Canon): string[] {
  if (expected.why === 'answered') return []
  const form = url.startsWith('/fhir') ? 'fhir' : 'v1'
  const name = `${form}: ${expected.why}, ${expected.commits.length} committed`
  const seen = seenOf(answer, url)
  const first = canon.get(name)
  if (first === undefined) canon.set(name, seen)
  const isAlike = first === undefined || JSON.stringify(first) === JSON.stringify(seen)
  return isAlike
    ? []
    : [`differs from others with the reason "${expected.why}": ${JSON.stringify([first, seen])}`]
}
