import {
  canonical,
  custodianOf,
  limits,
  MedledgerError,
  type Descriptor,
  type RequestOf,
  type ResponseOf,
} from '../api/index.ts'
import { decide } from '../core/index.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { requireReading } from '../ledger/entries.ts'
import { patientDocumentKey, patientDocumentPrefix } from '../ledger/keys.ts'
import { readConsentSet, readDescriptor, writeDescriptor } from '../ledger/records.ts'
import { factsOf, zoneOf } from './access.ts'
import type { Handlers } from './handlers.ts'

async function registerDocuments(
  context: Context,
  request: RequestOf<'RegisterDocuments'>,
): Promise<undefined> {
  const { custodian, documents } = request
  if (context.caller.agent.organisation !== custodian) {
    throw new MedledgerError('FORBIDDEN', 'Documents are registered by the organisation that keeps them.')
  }
  if (new Set(documents.map(({ document }) => document)).size < documents.length) {
    throw new MedledgerError('INVALID_REQUEST', 'A document occurs twice in the request.')
  }
  const placement = await context.placement(custodian)
  await Promise.all(
    documents.map((registration) => registerDocument(context, placement, request, registration)),
  )
}

/** Errors: INVALID_REQUEST for another custodian's id, CONFLICT for another patient's document or a wrong version. */
async function registerDocument(
  { at }: Pick<Context, 'at'>,
  placement: PlacementBooks,
  { custodian, patient }: RequestOf<'RegisterDocuments'>,
  registration: RequestOf<'RegisterDocuments'>['documents'][number],
): Promise<void> {
  const { document, version } = registration
  if (custodianOf(document) !== custodian) {
    throw new MedledgerError(
      'INVALID_REQUEST',
      `The id of a document of this custodian begins with ${custodian}-.`,
    )
  }
  const before = await readDescriptor(placement, document)
  const descriptor: Descriptor = { ...registration, patient }
  // The same registration again, after an outcome that the custodian did not learn: it is done.
  if (before !== undefined && canonical(before) === canonical(descriptor)) return
  requireNext(before, patient, version)
  await writeDescriptor(placement, descriptor, at)
  if (before === undefined) {
    await placement.consent.put(patientDocumentKey(placement.secret, patient, document), document)
  }
}

function requireNext(before: Descriptor | undefined, patient: string, version: number): void {
  if (before !== undefined && before.patient !== patient) {
    throw new MedledgerError('CONFLICT', 'This document is registered for another patient.')
  }
  const next = (before?.version ?? 0) + 1
  if (version !== next) throw new MedledgerError('CONFLICT', `The next version of this document is ${next}.`)
}

/** A page of the documents that the caller could read now for the purpose of her recorded search. */
async function listDocuments(
  context: Context,
  request: RequestOf<'ListDocuments'>,
): Promise<ResponseOf<'ListDocuments'>> {
  const placement = await context.placement(request.custodian)
  const search = await requireReading(context, placement.access, request.entry, 'DocumentReference')
  const { patient, purpose = 'TREAT' } = search
  const set = await readConsentSet(context.constitution, placement, patient)
  const { agent } = context.caller
  const situation = {
    at: context.at,
    agent,
    purpose,
    custodian: request.custodian,
    patient,
    set,
    zone: zoneOf(context),
  }
  // Who may see none is answered without a look at them: how long it takes must not tell how many there are.
  if (decide(factsOf({ ...situation, documents: [] })).outcome === 'deny') return { documents: [] }
  const { ids, next } = await pageOfDocuments(placement, patient, request.after)
  const known = await Promise.all(ids.map((id) => readDescriptor(placement, id)))
  const documents = known.filter((descriptor) => descriptor !== undefined)
  const { records } = decide(factsOf({ ...situation, documents }))
  return {
    documents: documents.filter((_document, index) => records[index]?.outcome === 'permit'),
    ...(next !== undefined && { next }),
  }
}

/** The ids of a page of a patient's documents, and that with which the next page begins its search. */
export async function pageOfDocuments(
  { consent, secret }: PlacementBooks,
  patient: string,
  after: string | undefined,
): Promise<{ readonly ids: readonly string[]; readonly next?: string }> {
  // One more than a page shows whether there is a further one.
  const found = await consent.list<string>(patientDocumentPrefix(secret, patient), {
    ...(after !== undefined && { after: patientDocumentKey(secret, patient, after) }),
    limit: limits.documentsPerPage + 1,
  })
  const ids = found.slice(0, limits.documentsPerPage)
  const next = found.length > ids.length ? ids.at(-1) : undefined
  return { ids, ...(next !== undefined && { next }) }
}

export const documentHandlers = {
  RegisterDocuments: registerDocuments,
  ListDocuments: listDocuments,
} satisfies Partial<Handlers>
