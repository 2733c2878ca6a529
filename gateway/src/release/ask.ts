import { Agent, request } from 'undici'
import { check } from 'medledger-chaincode/api'
import type { Partners } from '../config/index.ts'
import { GatewayError } from '../error.ts'
import type { LedgerStepName, Observe } from '../ledger/index.ts'
import { ReleaseAnswer, type ReleaseRequest } from './message.ts'

/** Asks a custodian's gateway to answer a committed access. Errors: CUSTODIAN_UNAVAILABLE and what it says itself. */
export interface AskCustodian {
  (custodian: string, release: ReleaseRequest): Promise<ReleaseAnswer>
  close(): Promise<void>
}

interface Identity {
  readonly certificate: string
  readonly privateKey: string
}

const timeoutMs = 4000
/** The whole answer: a custodian that sends a byte now and then must not hold up a reading for ever. */
const totalTimeoutMs = 60_000
const answerBytes = 64 * 1024 * 1024

/** Mutual TLS, each custodian's certificate held against that organisation's own authority and no other. */
export function createAskCustodian(
  partners: Partners,
  { certificate, privateKey }: Identity,
  observe: Observe = () => {},
): AskCustodian {
  const agents = new Map<string, Agent>()
  const agentOf = (custodian: string, { authority, name }: Partners[string]): Agent => {
    const known = agents.get(custodian)
    if (known !== undefined) return known
    const agent = new Agent({
      connect: { ca: authority, servername: name, cert: certificate, key: privateKey, timeout: 1500 },
      maxResponseSize: answerBytes,
    })
    agents.set(custodian, agent)
    return agent
  }

  const ask = async (custodian: string, release: ReleaseRequest): Promise<ReleaseAnswer> => {
    const partner = partners[custodian]
    if (partner === undefined) throw unavailable()
    const began = performance.now()
    const tell = (step: LedgerStepName, outcome: string): void =>
      observe({ step, name: 'RequestAccess', outcome, milliseconds: performance.now() - began })
    tell('release.ask', '')
    try {
      const { statusCode, body } = await request(`${partner.url}/releases`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(release),
        dispatcher: agentOf(custodian, partner),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.timeout(totalTimeoutMs),
      })
      const answer: unknown = await body.json()
      tell('release.receive', statusCode === 200 ? 'answered' : 'refused')
      if (statusCode === 200) return check(ReleaseAnswer, answer, 'answer')
      throw saidBy(answer)
    } catch (error) {
      throw error instanceof GatewayError ? error : unavailable(error)
    }
  }
  return Object.assign(ask, {
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.close()))
    },
  })
}

const unavailable = (cause?: unknown): GatewayError =>
  new GatewayError(
    'CUSTODIAN_UNAVAILABLE',
    'The custodian does not answer: the access is on record; ask again later.',
    {
      cause,
    },
  )

/** The custodian's code if it is one of ours; its words are not passed on. */
function saidBy(answer: unknown): GatewayError {
  const code = typeof answer === 'object' && answer !== null && 'code' in answer ? String(answer.code) : ''
  if (code !== 'NOT_RELEASED' && code !== 'ALREADY_RELEASED') return unavailable()
  return new GatewayError(code, 'Nothing is released for this access.')
}
