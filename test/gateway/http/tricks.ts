import { expect } from 'vitest'
import type { Organisation, TestNetwork } from '../../support/gateway-network.ts'
import { depositAt, depositOf, grantAt, testNetwork } from '../../support/gateway-network.ts'
import { codeIn } from '../authorisation/matrix.ts'
import { converse, listen, type Conversation, type RawAnswer } from './raw.ts'

/** A gateway that listens, a document behind it that Dr Chen may read, and a patient who may consent. */
export interface Ground {
  readonly network: TestNetwork
  readonly document: string
  /** Dr Chen's token at South's gateway, and Maria's at the same. */
  readonly doctor: string
  readonly patient: string
  readonly forged: string
  /** Sends a request and then a probe on the same connection, unless it is to be alone there or cut short. */
  send(request: Bytes, how?: How): Promise<Outcome>
  close(): Promise<void>
}

export type Bytes = string | Uint8Array
export type How = 'before another' | 'alone' | 'cut short'

/** What came of a request: the answer, if there was one, and what it did. */
export interface Outcome {
  readonly status: number | 'closed'
  readonly code: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly commits: readonly string[]
  readonly showsContent: boolean
  /** How many answers there were, without the probe's. */
  readonly answers: number
  readonly interim: number
  /** The probe was answered as ever, or the connection had been closed before. */
  readonly isNextUnharmed: boolean
}

const text = 'content behind the gateway'
const own: Organisation = 'south'
const probe = 'GET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n'

export async function openGround(): Promise<Ground> {
  const network = await testNetwork()
  const [document = ''] = await depositAt(network, 'north', 'maria', [depositOf(text)])
  await grantAt(network, 'maria')
  const tokenOf = async (user: 'dr.chen' | 'maria'): Promise<string> =>
    (await network.world.as(user, { through: own })).token ?? ''
  const doctor = await tokenOf('dr.chen')
  const commits: string[] = []
  network.ledger.afterCommit = ({ name, custodian }) => {
    commits.push([name, custodian].join(' '))
    return undefined
  }
  const { app } = network.gateways[own]
  const port = await listen(app)
  return {
    network,
    document,
    doctor,
    patient: await tokenOf('maria'),
    forged: `${doctor.slice(0, -8)}AAAAAAAA`,
    async send(request, how = 'before another') {
      commits.length = 0
      const bytes = Buffer.concat([Buffer.from(request), Buffer.from(how === 'before another' ? probe : '')])
      return outcomeOf(await converse(port, bytes, { isCut: how === 'cut short' }), commits)
    },
    close: () => app.close(),
  }
}

const isProbes = ({ status, body }: RawAnswer): boolean => status === 200 && body === '{"healthy":true}'

function outcomeOf({ answers, interim, rest }: Conversation, commits: readonly string[]): Outcome {
  const isProbed = answers.slice(-1).some(isProbes)
  const given = isProbed ? answers.slice(0, -1) : answers
  const isClosed = given.slice(-1).every(({ headers }) => headers['connection'] === 'close')
  const [first] = given
  return {
    ...(first === undefined
      ? { status: 'closed', code: undefined, headers: {}, body: '' }
      : { ...first, code: codeIn(first) }),
    commits: commits.toSorted(),
    showsContent: answers.some(({ body }) => body.includes(text)),
    answers: given.length,
    interim,
    isNextUnharmed: rest === '' && (isProbed || isClosed),
  }
}

/** What a trick must come to, beside the promises that hold for all. */
export interface Expected {
  readonly status: Outcome['status']
  readonly code?: string
  readonly commits?: readonly string[]
}

export const released = { status: 200, commits: ['RequestAccess north'] } as const
export const granted = { status: 201, commits: ['GrantConsent north', 'GrantConsent south'] } as const
export const nobody = { status: 401, code: 'NOT_AUTHENTICATED' } as const
export const malformed = { status: 400, code: 'INVALID_REQUEST' } as const
export const nowhere = { status: 404, code: 'ROUTE_NOT_FOUND' } as const
export const wrongType = { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' } as const

/** One answer, never a fault of ours, nothing committed or shown beyond the verdict, and the connection in order. */
export function expectOutcome(outcome: Outcome, { status, code, commits = [] }: Expected): void {
  const { status: got, code: said, commits: made, showsContent, isNextUnharmed, answers } = outcome
  expect({ status: got, code: said, commits: made }).toEqual({ status, code, commits })
  expect(showsContent).toBe(status === 200)
  expect(isNextUnharmed).toBe(true)
  expect(answers).toBe(status === 'closed' ? 0 : 1)
  if (status !== 'closed' && status !== 417) expect(outcome.headers['cache-control']).toBe('no-store')
}

/** A request's head. Lines are sent as they are. */
export const head = (requestLine: string, ...lines: readonly string[]): string =>
  [requestLine, 'Host: gateway', ...lines, '', ''].join('\r\n')

export const withBody = (
  requestLine: string,
  lines: readonly string[],
  body: string | Uint8Array,
): Buffer => {
  const bytes = Buffer.from(body)
  return Buffer.concat([Buffer.from(head(requestLine, ...lines, `Content-Length: ${bytes.length}`)), bytes])
}
