import {
  canonical,
  custodianOf,
  MedledgerError,
  type Descriptor,
  type RequestOf,
  type ResponseOf,
} from '../api/index.ts'
import { decide } from '../core/index.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { requireReading } from '../ledger/entries.ts'
import { documentKey, patientDocumentKey, patientDocumentPrefix } from '../ledger/keys.ts'
import { readConsentSet, readDescriptor } from '../ledger/records.ts'
import { factsOf } from './access.ts'
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
  await Promise.all(documents.map((registration) => registerDocument(placement, request, registration)))
}

/** Errors: INVALID_REQUEST for another custodian's id, CONFLICT for another patient's document or a wrong version. */
async function registerDocument(
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
  await placement.consent.put(documentKey(placement.secret, document), descriptor)
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

/** The documents that the caller could read now for the purpose of her recorded search. */
async function listDocuments(
  context: Context,
  request: RequestOf<'ListDocuments'>,
): Promise<ResponseOf<'ListDocuments'>> {
  const placement = await context.placement(request.custodian)
  const search = await requireReading(context, placement.access, request.entry, 'DocumentReference')
  const { patient, purpose = 'TREAT' } = search
  const prefix = patientDocumentPrefix(placement.secret, patient)
  const ids = await placement.consent.list<string>(prefix, { limit: 10_000 })
  const known = await Promise.all(ids.map((id) => readDescriptor(placement, id)))
  const documents = known.filter((descriptor) => descriptor !== undefined)
  const set = await readConsentSet(context.constitution, placement, patient)
  const { agent } = context.caller
  const facts = factsOf({
    at: context.at,
    agent,
    purpose,
    custodian: request.custodian,
    patient,
    set,
    documents,
  })
  const { records } = decide(facts)
  return { documents: documents.filter((_document, index) => records[index]?.outcome === 'permit') }
}

export const documentHandlers = {
  RegisterDocuments: registerDocuments,
  ListDocuments: listDocuments,
} satisfies Partial<Handlers>
