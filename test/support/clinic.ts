import { poll } from './poll.ts'
import { canonical, randomId } from 'medledger-chaincode/api'
import { send, type Answer, type Ask, type Network } from './network.ts'
import { signToken } from './sign-token.ts'

/** A patient of her own for one test, so that tests do not meet in each other's records. */
export interface TestPatient {
  readonly handle: string
  /** Asks as the patient, at the authority's gateway or at another. */
  ask(path: string, ask?: Ask): Promise<Answer>
  grant(provision: object, custodians?: readonly string[]): Promise<Answer>
  /** Grants a whole Consent, R4 or R5. */
  lodge(consent: object): Promise<Answer>
  revoke(consent: string): Promise<Answer>
  /** The rows of her log in the order of the chain, at the authority's gateway or at another. */
  log(at?: string): Promise<LogRow[]>
}

export interface LogRow {
  readonly entry: string
  readonly kind: string
  readonly outcome: string
  readonly block: number
  readonly position: number
  readonly person: string
  readonly organisation: string
  readonly custodian: string
  readonly purpose?: string
  readonly documents: readonly { readonly id: string; readonly outcome: string }[]
  readonly delivered: boolean | null
  readonly of?: string
}

/** `nameFor` is her name at her provider, by her handle. */
export async function newPatient(
  network: Network,
  nameFor = (handle: string): string => `patient-${handle}`,
): Promise<TestPatient> {
  const handle = randomId()
  const subject = nameFor(handle)
  const issuer = network.constitution.issuers.find(({ roles }) => roles.includes('patient'))?.issuer
  const registration = { patient: handle, issuer, subject }
  const registered = await network.ask('operator.authority', '/v1/patients', {
    body: registration,
    headers: { 'content-type': 'application/json' },
  })
  if (registered.status !== 201) throw new Error(`the patient was not registered: ${registered.text}`)
  const ask = async (path: string, options: Ask = {}): Promise<Answer> => {
    const at = options.at ?? 'authority'
    const audience = network.constitution.organisations.find(({ name }) => name === at)?.audience ?? ''
    const token = await signToken(network.data, 'authority', { subject, role: 'patient', audience })
    const headers = { authorization: `Bearer ${token}`, ...options.headers }
    return send(network, at, path, { ...options, headers })
  }
  return {
    handle,
    ask,
    grant: (provision, custodians) =>
      ask('/fhir/Consent', { body: consentOf(handle, provision, custodians) }),
    lodge: (consent) =>
      ask('/fhir/Consent', { body: { resourceType: 'Consent', status: 'active', ...consent } }),
    revoke: (consent) =>
      ask(`/fhir/Consent/${consent}`, {
        method: 'PUT',
        body: { ...consentOf(handle, {}), id: consent, status: 'inactive' },
      }),
    async log(at) {
      const rows: LogRow[] = []
      let path: string | undefined = `/fhir/AuditEvent?patient=${handle}&_count=500`
      while (path !== undefined) {
        const { body } = await ask(path, at === undefined ? {} : { at })
        rows.push(...rowsOf(body))
        path = nextOf(body)
      }
      return rows
    },
  }
}

interface Searchset {
  readonly link?: readonly { readonly relation: string; readonly url: string }[]
  readonly entry: readonly {
    readonly search: { readonly mode: string }
    readonly resource: {
      readonly extension?: readonly { readonly url: string; readonly valueString: string }[]
    }
  }[]
}

/** Path of the next page, or undefined when this is the last. */
const nextOf = ({ link = [] }: Searchset): string | undefined => {
  const next = link.find(({ relation }) => relation === 'next')
  if (next === undefined) return undefined
  const { pathname, search } = new URL(next.url, 'http://gateway')
  return `${pathname}${search}`
}

/** The rows in a searchset of AuditEvents. */
export const rowsOf = (bundle: Searchset): LogRow[] =>
  bundle.entry
    .filter(({ search }) => search.mode === 'match')
    .flatMap(({ resource }) => resource.extension ?? [])
    .filter(({ url }) => url === 'urn:medledger:entry')
    .map(({ valueString }) => JSON.parse(valueString) as LogRow)

/** A FHIR R4 Consent of this patient. */
export const consentOf = (patient: string, provision: object, custodians?: readonly string[]): object => ({
  resourceType: 'Consent',
  status: 'active',
  scope: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
  },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { reference: `Patient/${patient}` },
  ...(custodians && { organization: custodians.map((name) => ({ reference: `Organization/${name}` })) }),
  provision,
})

const recipient = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
}

/** A provision's actor: a person's handle, or an organisation's name. */
export const person = (handle: string): object => ({
  role: recipient,
  reference: { reference: `Practitioner/${handle}` },
})
export const organisation = (name: string): object => ({
  role: recipient,
  reference: { reference: `Organization/${name}` },
})

interface DocumentOptions {
  readonly code?: string
  readonly author?: string
  readonly source?: string
  readonly text?: string
  /** Instead of one that says the text. */
  readonly bundle?: object
}

/**
 * What a custodian answers once it knows a patient: its peer may be a block behind the one at which she was registered a
 * moment ago, and then there is no such patient yet.
 */
export const onceKnown = (ask: () => Promise<Answer>): Promise<Answer> =>
  poll('the custodian to know the patient', async () => {
    const answer = await ask()
    return answer.status === 404 ? undefined : answer
  })

/** Has a hospital register a document of a patient; gives its id. */
export async function newDocument(
  network: Network,
  patient: string,
  custodian: string,
  options: DocumentOptions = {},
): Promise<string> {
  const answer = await onceKnown(() => postDocuments(network, patient, custodian, [options]))
  if (answer.status !== 200) throw new Error(`the document was not registered: ${answer.text}`)
  return answer.body.documents[0].id
}

export function postDocuments(
  network: Network,
  patient: string,
  custodian: string,
  documents: readonly DocumentOptions[],
): Promise<Answer> {
  const body = {
    patient,
    documents: documents.map(
      ({ code = '11502-2', author, source = randomId(), text = 'content', bundle }) => ({
        source,
        type: { system: 'http://loinc.org', code },
        date: '2026-05-04',
        ...(author !== undefined && { author }),
        bundle: bundle ?? documentBundle(text),
      }),
    ),
  }
  return network.ask(`records.${custodian}`, '/v1/documents', {
    body: canonical(body),
    headers: { 'content-type': 'application/json' },
  })
}

/** A FHIR document Bundle whose one section says this. */
export const documentBundle = (text: string): object => ({
  resourceType: 'Bundle',
  type: 'document',
  entry: [{ resource: { resourceType: 'Composition', title: text } }],
})
