import {
  bookOf,
  complete,
  decodeResponse,
  endorsersOf,
  holdersOf,
  MedledgerError,
  seal,
  type Constitution,
  type EvaluateName,
  type FieldsOf,
  type RequestOf,
  type ResponseOf,
  type SubmitName,
} from 'medledger-chaincode/api'
import { OutcomeUnknown, type Committed, type LedgerTransport } from './port.ts'

/** A committed request: its entry's id, and where it lies. */
export interface Receipt {
  readonly entry: string
  readonly block: number
  readonly transactionId: string
  /** Set when the request had been committed before it was submitted now. */
  readonly isRepeat?: true
}

/** Id and salt of a request. */
export interface RequestIdentity {
  readonly request: string
  readonly salt: string
}

interface As {
  /** The access token of the person for whom this is done; absent when the gateway acts in its own name. */
  readonly token?: string
}

export interface SubmitOptions extends As {
  /** Whose token it is: she alone is told afterwards what became of the request. */
  readonly claims?: { readonly issuer: string; readonly subject: string }
  /** The identity of an earlier try, so that this one is the same request. */
  readonly retry?: RequestIdentity | undefined
}

interface EvaluateOptions extends As {
  /** Ask only these organisations' peers. */
  readonly organisations?: readonly string[]
  /** Ask only a peer that holds this block. */
  readonly minimumBlock?: number
}

/** Requests of people that leave an entry; the others can be repeated without harm. */
const withEntry: ReadonlySet<SubmitName> = new Set([
  'GrantConsent',
  'RevokeConsent',
  'RequestAccess',
  'RecordReading',
])

/** OUTCOME_UNKNOWN of a request, and where to ask what became of it. */
export class Unsettled extends MedledgerError {
  readonly request: string
  /** Path of the gateway's route for it; undefined when the request leaves no entry. */
  readonly statusPath: string | undefined

  constructor(name: SubmitName, request: RequestOf<SubmitName>, cause?: unknown) {
    const hint = withEntry.has(name) ? 'ask at the address in Location' : 'repeat it, which does no harm'
    super('OUTCOME_UNKNOWN', `The request was sent and its outcome is not known yet: ${hint}.`, { cause })
    this.name = 'Unsettled'
    this.request = request.request
    this.statusPath = withEntry.has(name)
      ? `/v1/requests/${bookOf(name, request)}/${request.request}`
      : undefined
  }
}

/** The ledger as a table of typed calls. Errors: those of the port and of the chaincode. */
export interface LedgerClient {
  submit<N extends SubmitName>(name: N, fields: FieldsOf<N>, options?: SubmitOptions): Promise<Receipt>
  evaluate<N extends EvaluateName>(
    name: N,
    fields: FieldsOf<N>,
    options?: EvaluateOptions,
  ): Promise<ResponseOf<N>>
}

/** `own` is the name of the organisation that is asked first. */
export function createClient(
  transport: Pick<LedgerTransport, 'submit' | 'evaluate'>,
  constitution: Constitution,
  own: string,
): LedgerClient {
  return {
    async submit<N extends SubmitName>(
      name: N,
      fields: FieldsOf<N>,
      options: SubmitOptions = {},
    ): Promise<Receipt> {
      const request: RequestOf<N> = complete<N>(fields, options.retry)
      const endorsers = endorsersOf(constitution, name, request)
      const committed: Committed = await transport
        .submit(seal(name, request, options.token), endorsers)
        .catch((error: unknown) => {
          throw error instanceof OutcomeUnknown ? new Unsettled(name, request, error) : error
        })
      const { entry } = decodeResponse(name, committed.payload)
      return { entry, block: committed.block, transactionId: committed.transactionId }
    },

    async evaluate<N extends EvaluateName>(
      name: N,
      fields: FieldsOf<N>,
      { token, organisations, minimumBlock }: EvaluateOptions = {},
    ): Promise<ResponseOf<N>> {
      const request: RequestOf<N> = complete<N>(fields)
      const holders = organisations ?? inOrder(holdersOf(constitution, request), own, custodianIn(request))
      const answer = await transport.evaluate(seal(name, request, token), holders, minimumBlock)
      return decodeResponse(name, answer)
    },
  }
}

const custodianIn = (request: object): string | undefined =>
  'custodian' in request ? String(request.custodian) : undefined

/** The own peer first; the custodian last, since it must not be the one to say what a log holds if another can. */
function inOrder(organisations: readonly string[], own: string, custodian: string | undefined): string[] {
  const rank = (name: string): number => (name === own ? 0 : name === custodian ? 2 : 1)
  return organisations.toSorted((one, other) => rank(one) - rank(other))
}
