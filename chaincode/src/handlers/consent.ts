import {
  canonical,
  limits,
  MedledgerError,
  organisationNamed,
  type Constitution,
  type ConsentRecord,
  type RequestOf,
  type ResponseOf,
} from '../api/index.ts'
import { deniesSomething, toDirective, type DefaultPolicy, type Mapped, type Rule } from '../core/index.ts'
import { zoneOf } from './access.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { readEntry, requireReading, type EntryDraft } from '../ledger/entries.ts'
import { consentGrantKey, consentGrantPrefix, consentMarkKey } from '../ledger/keys.ts'
import {
  inputsOf,
  isInForce,
  readConsentSet,
  writeConsentVersion,
  type ConsentSet,
  type ConsentVersion,
} from '../ledger/records.ts'
import type { Handlers } from './handlers.ts'

type Change = ConsentVersion['change']

/** A grant with its FHIR resource as given. */
type ConsentGrant = Omit<ConsentRecord, 'active'>

/** What happened last to a consent of a patient's; see {@link consentMarkKey}. */
interface ConsentMark {
  readonly state: 'granted' | 'revoked'
}

type Understood = Exclude<Mapped, { kind: 'faults' }>

/** Only the patient changes her consents. Errors: FORBIDDEN. */
function requireOwn({ caller }: Context, patient: string): void {
  if (caller.agent.id !== patient)
    throw new MedledgerError('FORBIDDEN', 'Only the patient can change her consents.')
}

/** The resource must name the patient whose set it joins, if it names one. Errors: INVALID_REQUEST. */
function requirePatient(directive: RequestOf<'GrantConsent'>['directive'], patient: string): void {
  for (const member of ['patient', 'subject']) {
    const named = directive[member]
    const reference = typeof named === 'object' && named !== null && 'reference' in named && named.reference
    if (named !== undefined && reference !== `Patient/${patient}`)
      throw new MedledgerError('INVALID_REQUEST', 'The directive is about another patient.')
  }
}

async function grantConsent(context: Context, request: RequestOf<'GrantConsent'>): Promise<EntryDraft> {
  const { custodian, patient, consent, directive } = request
  requireOwn(context, patient)
  const mapped = understand(context, request)
  const placement = await context.placement(custodian)
  const before = await readConsentSet(context.constitution, placement, patient)
  const mark = await placement.consent.get<ConsentMark>(consentMarkKey(placement.secret, patient, consent))
  if (mark !== undefined) throw alreadyDecided(mark)
  const set = withGrant(before, { consent, mapped, at: context.at })
  requireRoom(set)
  const { transactionId } = context
  await writeConsentVersion(placement, patient, { change: 'grant', consent, transactionId, set })
  await writeMark(placement, request, 'granted')
  const granted: ConsentGrant = {
    consent,
    version: set.version,
    transactionId,
    directive: withoutText(directive),
  }
  await placement.consent.put(consentGrantKey(placement.secret, patient, set.version), granted)
  return draft(context, request, 'grant', set)
}

/** A grant that comes late, or once more by another way, must not undo a revocation or a later choice of policy. */
const alreadyDecided = ({ state }: ConsentMark): MedledgerError =>
  new MedledgerError(
    'CONFLICT',
    state === 'revoked'
      ? 'The consent with this id has been revoked: grant a new one.'
      : 'The consent with this id has been granted already.',
  )

function withGrant(
  before: ConsentSet,
  { consent, mapped, at }: { readonly consent: string; readonly mapped: Understood; readonly at: number },
): ConsentSet {
  const widened = isWidening(mapped, before) ? { widened: countOn(before, at) } : {}
  return { ...withConsent(before, consent, mapped), ...widened }
}

/** The set after a consent has joined it. */
export function withConsent(before: ConsentSet, consent: string, mapped: Understood): ConsentSet {
  const version = before.version + 1
  return mapped.kind === 'directive'
    ? { ...before, version, directives: [...before.directives, mapped.directive] }
    : { ...before, version, defaultPolicy: mapped.defaultPolicy, policyConsent: consent }
}

/** What denies anything restricts, whatever else it permits; a choice of policy is held against the one before. */
const isWidening = (mapped: Understood, { defaultPolicy }: ConsentSet): boolean =>
  mapped.kind === 'directive'
    ? !deniesSomething(mapped.directive)
    : openness[mapped.defaultPolicy] > openness[defaultPolicy]

const openness: Readonly<Record<DefaultPolicy, number>> = {
  deny: 0,
  'break-glass-only': 1,
  'basic-normal': 2,
  'all-normal': 3,
}

const dayMs = 24 * 60 * 60 * 1000

/**
 * Each version keeps the whole set, so there is a limit to how many a day makes; what narrows has none. The day never goes
 * back: transaction times around midnight may. Errors: LIMIT_EXCEEDED.
 */
function countOn({ widened }: ConsentSet, at: number): NonNullable<ConsentSet['widened']> {
  const day = Math.max(Math.floor(at / dayMs), widened?.day ?? 0)
  const count = (widened?.day === day ? widened.count : 0) + 1
  if (count <= limits.wideningGrantsPerDay) return { day, count }
  throw new MedledgerError(
    'LIMIT_EXCEEDED',
    `A patient can grant ${limits.wideningGrantsPerDay} times a day; to deny and to revoke is always possible.`,
  )
}

/** Also of a consent that is not in force here, or not yet: a grant that comes after it is refused. */
async function revokeConsent(context: Context, request: RequestOf<'RevokeConsent'>): Promise<EntryDraft> {
  const { custodian, patient, consent } = request
  requireOwn(context, patient)
  const placement = await context.placement(custodian)
  const before = await readConsentSet(context.constitution, placement, patient)
  await writeMark(placement, request, 'revoked')
  if (!isInForce(before, consent)) return draft(context, request, 'revoke', before)
  const set = withoutConsent(before, consent, context.constitution)
  const { transactionId } = context
  await writeConsentVersion(placement, patient, { change: 'revoke', consent, transactionId, set })
  return draft(context, request, 'revoke', set)
}

/** The set after a consent in force has left it. */
export function withoutConsent(before: ConsentSet, consent: string, constitution: Constitution): ConsentSet {
  const { policyConsent, ...rest } = before
  const version = before.version + 1
  if (policyConsent === consent) return { ...rest, version, defaultPolicy: constitution.defaultPolicy }
  const directives = before.directives.filter((known) => known.consent !== consent)
  return { ...before, version, directives }
}

/**
 * A directive of the patient's in the ledger's own form. Errors: INVALID_REQUEST for what is not understood entirely, is
 * about another patient or names an organisation that there is not; LIMIT_EXCEEDED.
 */
export function understand(
  context: Context,
  { patient, consent, directive }: Pick<RequestOf<'GrantConsent'>, 'patient' | 'consent' | 'directive'>,
): Understood {
  requirePatient(directive, patient)
  const mapped = map(consent, directive, zoneOf(context))
  requireKnownActors(context, mapped)
  return mapped
}

/** Errors: INVALID_REQUEST with everything about the directive that this version does not understand. */
function map(consent: string, resource: Readonly<Record<string, unknown>>, zone: string): Understood {
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

export function requireRoom(set: ConsentSet): void {
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

const writeMark = (
  { consent, secret }: PlacementBooks,
  of: Pick<RequestOf<'RevokeConsent'>, 'patient' | 'consent'>,
  state: ConsentMark['state'],
): Promise<void> =>
  consent.put(consentMarkKey(secret, of.patient, of.consent), { state } satisfies ConsentMark)

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
  const { consent: book, secret } = placement
  const set = await readConsentSet(context.constitution, placement, patient)
  // One more than a page shows whether there is a further one.
  const found = await book.list<ConsentGrant>(consentGrantPrefix(secret, patient), {
    ...(request.after !== undefined && { after: consentGrantKey(secret, patient, request.after) }),
    limit: limits.consentsPerPage + 1,
  })
  const consents = found
    .slice(0, limits.consentsPerPage)
    .map((granted) => ({ ...granted, active: isInForce(set, granted.consent) }))
  const next = found.length > consents.length ? consents.at(-1)?.version : undefined
  return { consents, ...(next !== undefined && { next }) }
}

/** Whether what the caller's own grant gave is in force. Errors: NOT_FOUND. */
async function readGrant(
  context: Context,
  request: RequestOf<'ReadGrant'>,
): Promise<ResponseOf<'ReadGrant'>> {
  const { agent, through } = context.caller
  const placement = await context.placement(request.custodian)
  const entry = await readEntry(placement.consent, through.name, request.entry)
  const { patient, consent, change } = entry
  if (entry.agent.id !== agent.id || patient === null || consent === undefined || change !== 'grant')
    throw new MedledgerError('NOT_FOUND', 'No grant of yours with this id is committed here.')
  return { active: isInForce(await readConsentSet(context.constitution, placement, patient), consent) }
}

export const consentHandlers = {
  GrantConsent: grantConsent,
  RevokeConsent: revokeConsent,
  ListConsents: listConsents,
  ReadGrant: readGrant,
} satisfies Partial<Handlers>
