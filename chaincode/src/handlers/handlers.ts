import {
  consentCollection,
  MedledgerError,
  type EvaluateName,
  type RequestOf,
  type ResponseOf,
  type SubmitName,
} from '../api/index.ts'
import type { Book } from '../ledger/book.ts'
import type { Context } from '../ledger/context.ts'
import type { EntryDraft } from '../ledger/entries.ts'

/** A submitted request answers with what its entry is to say, or undefined when it has none. */
export type SubmitHandlers = {
  readonly [N in SubmitName]: (context: Context, request: RequestOf<N>) => Promise<EntryDraft | undefined>
}
export type EvaluateHandlers = {
  readonly [N in EvaluateName]: (context: Context, request: RequestOf<N>) => Promise<ResponseOf<N>>
}
export type Handlers = SubmitHandlers & EvaluateHandlers

/** The consent book of a placement that only its custodian may open. Errors: FORBIDDEN, INVALID_REQUEST. */
export function openedBy(context: Context, custodian: string): Book {
  if (context.caller.agent.organisation !== custodian) {
    throw new MedledgerError('FORBIDDEN', 'A placement is opened by its custodian.')
  }
  return context.collection(consentCollection(custodian))
}
