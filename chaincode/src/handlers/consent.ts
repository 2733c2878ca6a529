import {
  canonical,
  limits,
  MedledgerError,
  organisationNamed,
  type ConsentRecord,
  type RequestOf,
  type ResponseOf,
} from '../api/index.ts'
import { toDirective, type Mapped, type Rule } from '../core/index.ts'
import { zoneOf } from './access.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { requireReading, type EntryDraft } from '../ledger/entries.ts'
import { consentSetKey, consentVersionKey, consentVersionPrefix } from '../ledger/keys.ts'
import { inputsOf, readConsentSet, type ConsentSet } from '../ledger/records.ts'
import type { Handlers } from './handlers.ts'

type Change = 'grant' | 'revoke'

/** One version of a consent set: what changed, the set after it, and the FHIR resource as given. */
interface ConsentVersion {
  readonly change: Change
  readonly consent: string
  readonly transactionId: string
  readonly set: ConsentSet
  readonly directive?: Readonly<Record<string, unknown>>
}

/** Only the patient changes her consents. Errors: FORBIDDEN. */
function requireOwn({ caller }: Context, patient: string): void {
  if (caller.agent.id !== patient)
    throw new MedledgerError('FORBIDDEN', 'Only the patient can change her consents.')
}

/** The resource must name the patient whose set it joins, if it names one. Errors: INVALID_REQUEST. */
function requirePatient({ patient: named }: Readonly<Record<string, unknown>>, patient: string): void {
  const reference = typeof named === 'object' && named !== null && 'reference' in named && named.reference
  if (named !== undefined && reference !== `Patient/${patient}`)
    throw new MedledgerError('INVALID_REQUEST', 'The directive is about another patient.')
}

async function grantConsent(context: Context, request: RequestOf<'GrantConsent'>): Promise<EntryDraft> {
  const { custodian, patient, consent, directive } = request
  requireOwn(context, patient)
  requirePatient(directive, patient)
  const mapped = map(consent, directive, zoneOf(context))
  requireKnownActors(context, mapped)
  const placement = await context.placement(custodian)
  const before = await readConsentSet(context.constitution, placement, patient)
  if (before.directives.some((known) => known.consent === consent)) {
    throw new MedledgerError('CONFLICT', 'A consent with this id is active already.')
  }
  const set: ConsentSet = {
    ...before,
    version: before.version + 1,
    ...(mapped.kind === 'directive'
      ? { directives: [...before.directives, mapped.directive] }
      : { defaultPolicy: mapped.defaultPolicy, isChosen: true }),
  }
  requireRoom(set)
  await writeVersion(placement, patient, {
    change: 'grant',
    consent,
    transactionId: context.transactionId,
    set,
    directive: withoutText(directive),
  })
  return draft(context, request, 'grant', set)
}

async function revokeConsent(context: Context, request: RequestOf<'RevokeConsent'>): Promise<EntryDraft> {
  const { custodian, patient, consent } = request
  requireOwn(context, patient)
  const placement = await context.placement(custodian)
  const before = await readConsentSet(context.constitution, placement, patient)
  const directives = before.directives.filter((known) => known.consent !== consent)
  if (directives.length === before.directives.length) {
    throw new MedledgerError('NOT_FOUND', 'You have no active consent with this id.')
  }
  const set: ConsentSet = { ...before, version: before.version + 1, directives }
  await writeVersion(placement, patient, {
    change: 'revoke',
    consent,
    transactionId: context.transactionId,
    set,
  })
  return draft(context, request, 'revoke', set)
}

/** Errors: INVALID_REQUEST with everything about the directive that this version does not understand. */
function map(
  consent: string,
  resource: Readonly<Record<string, unknown>>,
  zone: string,
): Exclude<Mapped, { kind: 'faults' }> {
  if (Buffer.byteLength(canonical(resource), 'utf8') > limits.directiveBytes) {
    throw new MedledgerError('LIMIT_EXCEEDED', `A directive may have at most ${limits.directiveBytes} bytes.`)
  }
  const mapped = toDirective(consent, resource, zone)
  if (mapped.kind !== 'faults') return mapped
  throw new MedledgerError(
    'INVALID_REQUEST',
    `The directive cannot be applied: ${mapped.faults.slice(0, 5).join('; ')}.`,
  )
}

/** A deny for an organisation that does not exist would protect nobody. Errors: INVALID_REQUEST. */
function requireKnownActors({ constitution }: Context, mapped: Mapped): void {
  const visit = ({ actors = [], rules = [] }: Rule): void => {
    for (const { reference = '' } of actors) {
      const [type, name = ''] = reference.split('/')
      if (type === 'Organization') organisationNamed(constitution, name)
    }
    rules.forEach(visit)
  }
  if (mapped.kind === 'directive') visit(mapped.directive.root)
}

function requireRoom(set: ConsentSet): void {
  const bytes = Buffer.byteLength(canonical(set), 'utf8')
  if (set.directives.length > limits.activeDirectives || bytes > limits.consentSetBytes) {
    throw new MedledgerError('LIMIT_EXCEEDED', 'Too many directives are active here: revoke some first.')
  }
}

/** Narrative and attachments have no bearing on a decision and may name people: they are not kept. */
function withoutText(resource: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { text: _narrative, sourceAttachment: _attachment, ...rest } = resource
  return rest
}

async function writeVersion(
  { consent, secret }: PlacementBooks,
  patient: string,
  version: ConsentVersion,
): Promise<void> {
  await consent.put(consentSetKey(secret, patient), version.set)
  await consent.put(consentVersionKey(secret, patient, version.set.version), version)
}

function draft(
  context: Context,
  { custodian, patient, consent }: RequestOf<'RevokeConsent'>,
  change: Change,
  set: ConsentSet,
): EntryDraft {
  return {
    kind: 'consent',
    custodian,
    patient,
    consent,
    change,
    outcome: 'permit',
    documents: [],
    inputs: inputsOf(context, set),
  }
}

/** A page of what a patient has granted, oldest first. */
async function listConsents(
  context: Context,
  request: RequestOf<'ListConsents'>,
): Promise<ResponseOf<'ListConsents'>> {
  const placement = await context.placement(request.custodian)
  const { patient } = await requireReading(context, placement.consent, request.entry, 'Consent')
  const prefix = consentVersionPrefix(placement.secret, patient)
  const set = await readConsentSet(context.constitution, placement, patient)
  // All of them, since a later grant of the same consent tells whether an earlier one is still in force.
  const versions = await placement.consent.list<ConsentVersion>(prefix, { limit: set.version + 1 })
  const left = recordsOf(versions, set, zoneOf(context)).filter(
    ({ version }) => version > (request.after ?? 0),
  )
  const consents = left.slice(0, limits.consentsPerPage)
  const next = left.length > consents.length ? consents.at(-1)?.version : undefined
  return { consents, ...(next !== undefined && { next }) }
}

/** What a patient has granted. In force is the latest grant of a directive in the set, and the latest default policy. */
function recordsOf(
  versions: readonly ConsentVersion[],
  { directives }: ConsentSet,
  zone: string,
): ConsentRecord[] {
  const inForce = new Map<string, number>()
  const records = versions.flatMap(({ change, consent, transactionId, set, directive }) => {
    if (change !== 'grant' || directive === undefined) return []
    const isDirective = toDirective(consent, directive, zone).kind === 'directive'
    const group = isDirective ? `directive ${consent}` : 'default policy'
    inForce.set(group, set.version)
    const listed = !isDirective || directives.some((known) => known.consent === consent)
    return [{ group, listed, record: { consent, version: set.version, transactionId, directive } }]
  })
  return records.map(({ group, listed, record }) => ({
    ...record,
    active: listed && inForce.get(group) === record.version,
  }))
}

export const consentHandlers = {
  GrantConsent: grantConsent,
  RevokeConsent: revokeConsent,
  ListConsents: listConsents,
} satisfies Partial<Handlers>
