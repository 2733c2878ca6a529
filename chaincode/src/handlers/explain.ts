import {
  limits,
  MedledgerError,
  type Descriptor,
  type DocumentOutcome,
  type Entry,
  type ExplainedDocument,
  type ExplanationAnswer,
  type Person,
  type RequestOf,
  type Unreplayable,
} from '../api/index.ts'
import {
  directivePhrase,
  explain,
  explainHeldBack,
  roleSystem,
  type Actor,
  type Decision,
  type Directive,
  type Names,
} from '../core/index.ts'
import { disorderMs, toInstant } from '../ledger/clock.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { readEntry, requireReading } from '../ledger/entries.ts'
import { entryKey, entryPrefix, personKey } from '../ledger/keys.ts'
import type { ConsentSet } from '../ledger/records.ts'
import { decideAsThen } from './decide-again.ts'
import type { Handlers } from './handlers.ts'
import { differencesOf } from './replay.ts'

/** What is decided for a patient, with what she may be told of it. */
interface Decided {
  readonly set: ConsentSet
  readonly decision: Pick<Decision, 'trace'>
  readonly outcomes: readonly DocumentOutcome[]
  readonly descriptors: readonly (Descriptor | undefined)[]
  /** By document: the consents for which its custodian held it back when it was to release it. */
  readonly heldBack?: ReadonlyMap<string, readonly string[]>
  /** A consent in the set that she only considers. */
  readonly considered?: string
}

/** A decision about a patient's documents, in words for her. */
export async function explainTo(
  patient: string,
  context: Pick<Context, 'constitution' | 'registry'>,
  decided: Decided,
): Promise<Pick<ExplanationAnswer, 'sentences' | 'documents'>> {
  const { decision, outcomes, descriptors } = decided
  const own = descriptors.map((descriptor) => (descriptor?.patient === patient ? descriptor : undefined))
  const names = await namesFor(context, decided, own)
  const { sentences, records } = explain(decision.trace, names)
  const documents = outcomes.map((outcome, index): ExplainedDocument => {
    const descriptor = own[index]
    const held = decided.heldBack?.get(outcome.document)
    const words = [
      ...(records.get(recordId(outcome.document)) ?? []),
      ...(held === undefined ? [] : [explainHeldBack(held, names)]),
    ]
    return descriptor === undefined ? notHers(outcome) : explained(outcome, descriptor, words)
  })
  return { sentences: [...sentences], documents }
}

/** How the decision calls a document. */
const recordId = (document: string): string => `DocumentReference/${document}`

function explained(
  { document, outcome, basis, basedOn }: DocumentOutcome,
  { type, title }: Descriptor,
  sentences: readonly string[],
): ExplainedDocument {
  const known = { document, type, ...(title !== undefined && { title }) }
  return { ...known, outcome, basis, basedOn, sentences: [...sentences] }
}

/** The same for a document that does not exist and for another patient's: whether there is one is not hers to know. */
const notHers = ({ document }: DocumentOutcome): ExplainedDocument => ({
  document,
  outcome: 'deny',
  basis: 'no-such-document',
  basedOn: [],
  sentences: ['You have no document with this id here.'],
})

/** The names of everything that a decision's trace can speak of. */
async function namesFor(
  context: Pick<Context, 'constitution' | 'registry'>,
  { set, considered }: Pick<Decided, 'set' | 'considered'>,
  descriptors: readonly (Descriptor | undefined)[],
): Promise<Names> {
  const { directives, defaultPolicy, policyConsent } = set
  const actor = await actorNames(context, directives)
  const phrases = directives.map((directive) => {
    const { consent, root } = directive
    const phrase = directivePhrase(directive, { actor, isConsidered: consent === considered })
    return [consent, { phrase, effect: root.effect }] as const
  })
  const known = new Map(phrases)
  const records = new Map(descriptors.flatMap((found) => (found ? [[recordId(found.document), found]] : [])))
  return {
    directive: (consent) => known.get(consent),
    record: (id) => documentPhrase(records.get(id)),
    defaultPolicy,
    isPolicyChosen: policyConsent !== undefined,
  }
}

/** What to call those whom directives are for; of somebody whom the registry does not know nothing is said. */
async function actorNames(
  { constitution, registry }: Pick<Context, 'constitution' | 'registry'>,
  directives: readonly Directive[],
): Promise<(actor: Actor) => string | undefined> {
  const actors = directives.flatMap(({ root }) => root.actors ?? [])
  const practitioners = actors.map(({ reference = '' }) => reference.split('/'))
  const ids = new Set(practitioners.flatMap(([type, id = '']) => (type === 'Practitioner' ? [id] : [])))
  const people = new Map<string, string>()
  for (const id of ids) {
    const person = await registry.get<Person>(personKey(id))
    if (person !== undefined) people.set(id, person.name)
  }
  const titles = new Map(constitution.organisations.map(({ name, title }) => [name, title]))
  const names: Readonly<Record<string, (id: string) => string | undefined>> = {
    Practitioner: (id) => people.get(id),
    Patient: () => 'another patient',
    Organization: (id) => titles.get(id),
  }
  return ({ reference = '', identifier = '', role, anybody }) => {
    if (anybody === true) return 'everybody'
    const [type = '', id = ''] = reference.split('/')
    const [system, value] = identifier.split('|')
    const named = role ?? (system === roleSystem ? value : undefined)
    return named === undefined ? names[type]?.(id) : `everybody with the role ${named}`
  }
}

function documentPhrase(descriptor: Descriptor | undefined): string {
  if (descriptor === undefined) return 'the document'
  const { title, type, date } = descriptor
  return `the document ${title ?? type.display ?? type.code} of ${date.slice(0, 10)}`
}

const reasons: Readonly<Record<Unreplayable, string>> = {
  inputs: 'the entry does not say on what it was decided',
  constitution: 'it was made under another constitution of this network',
  core: 'it was made by other rules than this release has',
  'code-tables': 'it was made with other code tables than this release has',
  'consent-set': 'your directives of that time are not kept here',
  registration: 'who asked is no longer known here as she was then',
  document: 'a document is no longer known here as it was then',
}

/**
 * Why an access to the caller's records was decided as it was: decided again from the versions that its entry names. The
 * request names her own recorded look at the log. Errors: NOT_FOUND for everything that is no access to her records.
 */
async function explainEntry(
  context: Context,
  request: RequestOf<'ExplainEntry'>,
): Promise<ExplanationAnswer> {
  const placement = await context.placement(request.custodian)
  const { patient } = await requireReading(context, placement.consent, request.entry, 'AuditEvent')
  const { through, entry: id } = request.of
  const entry = await readEntry(placement.access, through, id)
  if (entry.kind !== 'access' || entry.patient !== patient)
    throw new MedledgerError('NOT_FOUND', 'No entry with this id is committed here.')
  const again = await decideAsThen(context, placement, entry)
  if ('missing' in again) {
    const documents = entry.documents.map(untold)
    return { entry, sentences: [`This cannot be decided again: ${reasons[again.missing]}.`], documents }
  }
  const isSame = differencesOf(entry, again).length === 0
  const heldBack = await heldBackOf(placement, patient, entry)
  return { entry, isSame, ...(await explainTo(patient, context, { ...again, heldBack })) }
}

/** From the release that followed an access; one that is further than a page behind it is not looked for. */
async function heldBackOf(
  { access, secret }: PlacementBooks,
  patient: string,
  { entry, at, agent }: Entry,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const before = { at: toInstant(Date.parse(at) - disorderMs), through: '', entry: '' }
  const following = await access.list<Entry>(entryPrefix(secret, patient), {
    after: entryKey(secret, patient, before),
    limit: limits.entriesPerPage,
  })
  const releases = following.filter(
    ({ kind, of, ofThrough }) => kind === 'release' && of === entry && ofThrough === agent.through,
  )
  const held = releases.flatMap(({ documents }) => documents).filter(({ outcome }) => outcome === 'deny')
  return new Map(held.map(({ document, basedOn }) => [document, basedOn]))
}

function untold(outcome: DocumentOutcome): ExplainedDocument {
  const { document, basis, basedOn } = outcome
  if (basis === 'no-such-document' || basis === 'several-patients') return notHers(outcome)
  return { document, outcome: outcome.outcome, basis, basedOn, sentences: [] }
}

export const explainHandlers = { ExplainEntry: explainEntry } satisfies Partial<Handlers>
