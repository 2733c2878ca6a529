import {
  askingRoles,
  MedledgerError,
  organisationNamed,
  type Agent,
  type Person,
  type RequestOf,
  type SimulationAnswer,
} from '../api/index.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { requireReading } from '../ledger/entries.ts'
import { personKey } from '../ledger/keys.ts'
import { isInForce, readConsentSet, readDescriptor, type ConsentSet } from '../ledger/records.ts'
import { decideFor, zoneOf } from './access.ts'
import { requireRoom, understand, withConsent, withoutConsent } from './consent.ts'
import { pageOfDocuments } from './documents.ts'
import { explainTo } from './explain.ts'
import type { Handlers } from './handlers.ts'

/**
 * What would be decided about the caller's own documents if somebody asked for them, with her directives as they are or as
 * she considers to change them. Nothing is written; the request names her recorded look at her consents.
 * Errors: NOT_FOUND, FORBIDDEN, INVALID_REQUEST, LIMIT_EXCEEDED.
 */
async function simulateDecision(
  context: Context,
  request: RequestOf<'SimulateDecision'>,
): Promise<SimulationAnswer> {
  const { custodian, purpose, at, considered, after } = request
  const placement = await context.placement(custodian)
  const { patient } = await requireReading(context, placement.consent, request.entry, 'Consent')
  const agent = await agentFor(context, request.who)
  const set = await consideredSet(context, placement, { ...request, patient })
  const { ids, next } = await pageOfDocuments(placement, patient, after)
  const descriptors = await Promise.all(ids.map((id) => readDescriptor(placement, id)))
  const { decision, outcomes } = decideFor(patient, ids, descriptors, {
    at: at === undefined ? context.at : Date.parse(at),
    agent,
    purpose,
    custodian,
    set,
    zone: zoneOf(context),
  })
  const told = { set, decision, outcomes, descriptors, ...(considered && { considered: considered.consent }) }
  const { sentences, documents } = await explainTo(patient, context, told)
  return { outcome: decision.outcome, sentences, documents, ...(next !== undefined && { next }) }
}

/** Somebody who asks. Errors: NOT_FOUND for nobody, INVALID_REQUEST for who cannot ask for documents. */
async function agentFor(
  { constitution, registry }: Context,
  who: RequestOf<'SimulateDecision'>['who'],
): Promise<Agent> {
  if ('role' in who) {
    const kind = who.role === 'patient' ? 'patient' : 'person'
    return { kind, role: who.role, organisation: '', through: '' }
  }
  if ('organisation' in who) {
    const { name: organisation } = organisationNamed(constitution, who.organisation)
    return { kind: 'person', role: 'doctor', organisation, through: organisation }
  }
  const person = await registry.get<Person>(personKey(who.practitioner))
  if (person?.active !== true)
    throw new MedledgerError('NOT_FOUND', 'Nobody is registered under this handle, or no longer.')
  const { role, organisation } = person
  if (!(askingRoles as readonly string[]).includes(role))
    throw new MedledgerError('INVALID_REQUEST', `Nobody who is registered as ${role} can ask for documents.`)
  return { kind: 'person', id: person.person, role, organisation, through: organisation }
}

/** Her directives, without those that she considers to revoke and with the one that she considers to grant. */
async function consideredSet(
  context: Context,
  placement: PlacementBooks,
  { patient, considered, without = [] }: RequestOf<'SimulateDecision'> & { readonly patient: string },
): Promise<ConsentSet> {
  let set = await readConsentSet(context.constitution, placement, patient)
  for (const consent of without)
    if (isInForce(set, consent)) set = withoutConsent(set, consent, context.constitution)
  if (considered === undefined) return set
  set = withConsent(set, considered.consent, understand(context, { patient, ...considered }))
  requireRoom(set)
  return set
}

export const simulateHandlers = { SimulateDecision: simulateDecision } satisfies Partial<Handlers>
