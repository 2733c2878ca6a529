import { MedledgerError, randomId } from 'medledger-chaincode/api'
import { depositOf, type Organisation, type TestNetwork, type TestRequest } from '../gateway-network.ts'
import { gatewayOf, people } from '../ledger-world.ts'
import type { Act, Attack } from './attack.ts'
import { issuerOf } from './scene.ts'

/** What became of a token: a fault is an answer that is nobody's refusal, such as a status of 500 and more. */
export interface Verdict {
  readonly outcome: 'accepted' | 'refused' | 'fault'
  /** The error's code, or the status of an answer without one. */
  readonly code: string
}

const patient = people.maria.handle
const { issuer } = issuerOf('authority')

const requests: Readonly<Record<Act, () => TestRequest>> = {
  ask: () => ({ url: `/v1/requests/access-north/${randomId()}` }),
  'register a patient': () => ({
    url: '/v1/patients',
    method: 'POST',
    body: { patient: randomId(), issuer, subject: randomId() },
  }),
  'read consents': () => ({ url: `/fhir/Consent?patient=${patient}` }),
  'deposit documents': () => ({
    url: '/v1/documents',
    method: 'POST',
    body: { patient, documents: [depositOf('attack')] },
  }),
}

const refusals: ReadonlySet<string> = new Set(['INVALID_TOKEN', 'NOT_AUTHENTICATED', 'FORBIDDEN'])

const verdictOf = (code: string, fault: boolean): Verdict => ({
  outcome: refusals.has(code) ? 'refused' : fault ? 'fault' : 'accepted',
  code,
})

/** Sends the token to a gateway over HTTP, as a client would. */
export async function presentToGateway(network: TestNetwork, attack: Attack): Promise<Verdict> {
  const { url, method = 'GET', body } = requests[attack.act ?? 'ask']()
  const { app } = network.gateways[(attack.through ?? 'north') as Organisation]
  const answer = await app.inject({
    url,
    method,
    headers: {
      authorization: `Bearer ${attack.token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { payload: JSON.stringify(body) }),
  })
  const code = /"code":"([A-Z_]+)"|"code":"urn:[^"]*:([A-Z_]+)"/.exec(answer.payload)
  return verdictOf(code?.[1] ?? code?.[2] ?? String(answer.statusCode), answer.statusCode >= 500)
}

/** Submits the token to the chaincode with a gateway's certificate, as a gateway would that does not look at tokens. */
export async function presentToLedger({ world }: TestNetwork, attack: Attack): Promise<Verdict> {
  const submitter = { ...gatewayOf(attack.through ?? 'north'), token: attack.token }
  const acts: Readonly<Record<Act, () => Promise<unknown>>> = {
    ask: () => world.endorse('ReadCaller', {}, submitter),
    'register a patient': () =>
      world.endorse('RegisterPatient', { patient: randomId(), issuer, subject: randomId() }, submitter),
    'read consents': () =>
      world.endorse('ListConsents', { custodian: 'north', entry: randomId() }, submitter),
    'deposit documents': () => world.endorse('ReadPatient', { patient }, submitter),
  }
  try {
    await acts[attack.act ?? 'ask']()
    return verdictOf('OK', false)
  } catch (error) {
    if (!(error instanceof MedledgerError)) return verdictOf('no error of ours', true)
    return verdictOf(error.code, error.code === 'INTERNAL')
  }
}
