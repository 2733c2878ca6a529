import {
  bookOf,
  canonical,
  collectionNamed,
  encodeResponse,
  eventOf,
  MedledgerError,
  registry,
  sha256Hex,
  transactions,
  unseal,
  writeMessage,
  type Constitution,
  type RequestOf,
  type ResponseOf,
  type SubmitName,
  type TransactionName,
} from './api/index.ts'
import { handlers } from './handlers/index.ts'
import { openBook, type StateStub } from './ledger/book.ts'
import { establishCaller, type ClientIdentity } from './ledger/caller.ts'
import { transactionTime, type Timestamp } from './ledger/clock.ts'
import { createContext, type Context } from './ledger/context.ts'
import { requireUnused, writeEntry, type EntryDraft } from './ledger/entries.ts'

/** The shim's stub, as far as the ledger uses it. */
export interface Stub extends StateStub {
  getTxID(): string
  getTxTimestamp(): Timestamp
  getTransient(): ReadonlyMap<string, Uint8Array>
  setEvent(name: string, payload: Uint8Array): void
}

export interface Configuration {
  readonly constitution: Constitution
  /** The endorser's own clock, in milliseconds since 1970 (UTC). */
  readonly now: () => number
  /** Takes lines without personal data. */
  readonly log: (line: string) => void
}

/**
 * The way of every transaction: commitment, time, caller, handler, entry, answer. A refusal is an error whose message
 * carries its code; it writes nothing.
 */
export async function transact(
  name: TransactionName,
  commitment: string,
  { stub, client }: { readonly stub: Stub; readonly client: ClientIdentity },
  configuration: Configuration,
): Promise<string> {
  try {
    const transient = stub.getTransient()
    const bytes = transient.get('request')
    if (bytes === undefined) throw new MedledgerError('INVALID_REQUEST', 'The transient request is missing.')
    const request = unseal(name, commitment, bytes)
    const context = await contextOf(
      name,
      request,
      { stub, client, token: transient.get('token') },
      configuration,
    )
    return await answer(name, request, context, stub)
  } catch (error) {
    throw asRefusal(error, stub.getTxID(), configuration.log)
  }
}

async function contextOf(
  name: TransactionName,
  request: RequestOf<TransactionName>,
  given: { readonly stub: Stub; readonly client: ClientIdentity; readonly token: Uint8Array | undefined },
  { constitution, now }: Configuration,
): Promise<Context> {
  const { stub, client } = given
  const clock = now()
  const at = transactionTime(stub.getTxTimestamp(), clock)
  const caller = await establishCaller(name, {
    constitution,
    client,
    at,
    now: clock,
    token: given.token && Buffer.from(given.token).toString('utf8'),
    publicState: openBook(stub, undefined, request.salt),
    registry: openBook(stub, registry, request.salt),
  })
  const constitutionDigest = sha256Hex(canonical(constitution))
  return createContext(
    { constitution, constitutionDigest, transactionId: stub.getTxID(), at, caller },
    stub,
    request.salt,
  )
}

async function answer(
  name: TransactionName,
  request: RequestOf<TransactionName>,
  context: Context,
  stub: Pick<Stub, 'setEvent'>,
): Promise<string> {
  // The table ties each name to its request, which the compiler cannot follow through a look-up.
  const handle = handlers[name] as (context: Context, request: unknown) => Promise<unknown>
  if (transactions[name].mode === 'evaluate') {
    return encodeResponse(name, (await handle(context, request)) as ResponseOf<TransactionName>)
  }
  const bookName = bookOf(name as SubmitName, request as RequestOf<SubmitName>)
  if (bookName !== undefined) collectionNamed(context.constitution, bookName)
  const book = context.collection(bookName)
  await requireUnused(context, book, request.request)
  const draft = (await handle(context, request)) as EntryDraft | undefined
  const recorded = draft && { draft, secret: (await context.placement(draft.custodian)).secret }
  await writeEntry(context, book, request.request, recorded)
  const event = eventOf(name)
  if (event !== undefined) stub.setEvent(event, new Uint8Array())
  return encodeResponse(name, { entry: request.request })
}

/**
 * Only an error's message leaves the chaincode. An unexpected error's own words may hold data, so neither the answer
 * nor the log has them: the log has its kind and where it happened.
 */
function asRefusal(error: unknown, transactionId: string, log: Configuration['log']): Error {
  if (error instanceof MedledgerError) return new Error(writeMessage(error))
  // Fabric's own refusals concern the peer, not the request, and clients tell by them that another peer may do.
  if (error instanceof Error && /private data matching public hash/.test(error.message)) return error
  log(
    [`${transactionId} ${error instanceof Error ? error.name : typeof error}`, ...framesOf(error)].join('\n'),
  )
  return new Error(writeMessage(new MedledgerError('INTERNAL', 'The chaincode met an unexpected fault.')))
}

/** The stack below an error's own words, which stand in front of it and may look like frames themselves. */
function framesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { stack = '', message } = error
  const start = stack.indexOf(message)
  if (start < 0) return []
  return stack
    .slice(start + message.length)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
}
