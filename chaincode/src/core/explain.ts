import type { Note } from './decide.ts'
import type { Actor, Directive, Effect } from './directive.ts'
import type { DefaultPolicy } from './facts.ts'

/** A directive as its patient knows it: a phrase such as "your permission for Dr Chen", and what its root does. */
export interface NamedDirective {
  readonly phrase: string
  readonly effect: Effect
}

/** What {@link explain} calls things by: a trace has codes and ids only. */
export interface Names {
  /** Undefined for a consent that is not known here; it is called by its id then. */
  directive(consent: string): NamedDirective | undefined
  /** A phrase for a record, e.g. `the laboratory report of 2026-05-04`. */
  record(id: string): string
  readonly defaultPolicy: DefaultPolicy
  /** Whether the patient has chosen that policy herself. */
  readonly isPolicyChosen: boolean
}

/** A decision in plain English. */
export interface Explanation {
  /** What holds for every record. */
  readonly sentences: readonly string[]
  /** What was decided on each record and why, by its id. */
  readonly records: ReadonlyMap<string, readonly string[]>
}

/** Puts the trace of a decision into sentences for the patient whose directives they are. */
export function explain(trace: readonly Note[], names: Names): Explanation {
  const applying = trace.flatMap((note) => (note.note === 'applies' ? [note.consent] : []))
  // What decides when nothing else does comes last.
  const inOrder = [...trace].sort((one, other) => Number(isDefault(one)) - Number(isDefault(other)))
  const sentences = inOrder.flatMap((note) => sentenceOn(note, names))
  const records = trace.flatMap((note) =>
    note.note === 'record' ? [[note.record, sentencesOn(note, new Set(applying), names)] as const] : [],
  )
  return { sentences: [...new Set(sentences)], records: new Map(records) }
}

const isDefault = ({ note }: Note): boolean => note === 'default-policy'

/** What a note says of the request as a whole. */
function sentenceOn(note: Note, names: Names): string[] {
  if (note.note === 'emergency-declared') return ['An emergency is declared.']
  if (note.note === 'default-policy')
    return [`Nothing that you have said covers such a request: ${policyIn(names)}.`]
  if (note.note === 'does-not-apply') {
    const because = obstacles[note.because](note.purpose ?? '')
    return [`${start(phraseOf(note.consent, names))} does not count here: ${because}.`]
  }
  if (note.note !== 'not-understood') return []
  const part = `A part of ${phraseOf(note.consent, names)} is not understood (${note.where})`
  return [`${part}: it permits nothing, and still refuses.`]
}

type DoesNotApply = Extract<Note, { note: 'does-not-apply' }>

const obstacles: Readonly<Record<DoesNotApply['because'], (purpose: string) => string>> = {
  superseded: () => 'a newer one replaces it',
  'not-yet-valid': () => 'it is not valid yet',
  'no-longer-valid': () => 'it has ended',
  'for-somebody-else': () => 'it is about somebody else',
  'for-another-purpose': (purpose) => `it is not about ${purposeName(purpose)}`,
}

type OnRecord = Extract<Note, { note: 'record' }>

const grounds: Readonly<Record<OnRecord['because'], (note: OnRecord, names: Names) => string>> = {
  self: () => 'it is your own',
  author: () => 'the asker wrote it, and nothing that you have said is against it',
  'default-policy': (_note, names) => `nothing that you have said covers it, and ${policyIn(names)}`,
  consent: (note, names) => reasonIn(note, names),
}

function sentencesOn(note: OnRecord, applying: ReadonlySet<string>, names: Names): string[] {
  const { record, outcome, because, basedOn } = note
  const decided = `${start(names.record(record))} ${outcome === 'permit' ? 'may be read' : 'is refused'}`
  const others = because === 'consent' ? othersIn(outcome, { basedOn, applying }, names) : []
  return [`${decided}: ${grounds[because](note, names)}.`, ...others]
}

function reasonIn({ outcome, basedOn }: OnRecord, names: Names): string {
  const isOne = basedOn.length === 1
  const phrases = listOf(basedOn.map((consent) => phraseOf(consent, names)))
  if (outcome === 'permit') return `${phrases} ${isOne ? 'allows' : 'allow'} it`
  const isLimited = basedOn.every((consent) => names.directive(consent)?.effect === 'permit')
  if (isLimited) return `${phrases} ${isOne ? 'does' : 'do'} not go as far as this`
  return `${phrases} ${isOne ? 'refuses' : 'refuse'} it`
}

/** A record that is permitted as a whole was held back, because these consents deny something inside it. */
export function explainHeldBack(basedOn: readonly string[], names: Pick<Names, 'directive'>): string {
  const phrases = basedOn.map((consent) => phraseOf(consent, names))
  const what = phrases.length === 1 ? 'refuses' : 'refuse'
  if (phrases.length === 0) return 'It was held back as a whole: what is in it could not be decided on.'
  return `It was held back as a whole when it was to be handed out: ${listOf(phrases)} ${what} a part of it.`
}

/** Directives that speak to the request and have not decided about the record. */
function othersIn(
  outcome: OnRecord['outcome'],
  { basedOn, applying }: { readonly basedOn: readonly string[]; readonly applying: ReadonlySet<string> },
  names: Names,
): string[] {
  const others = [...applying].filter((consent) => !basedOn.includes(consent))
  const isRefused =
    outcome === 'deny' && basedOn.some((consent) => names.directive(consent)?.effect === 'deny')
  return others.map((consent) => {
    const isPermit = names.directive(consent)?.effect === 'permit'
    return isRefused && isPermit
      ? `${start(phraseOf(consent, names))} does not help: a refusal goes before a permission.`
      : `${start(phraseOf(consent, names))} speaks to such a request too, and does not decide about this.`
  })
}

const phraseOf = (consent: string, names: Pick<Names, 'directive'>): string =>
  names.directive(consent)?.phrase ?? `the consent ${consent}`

const policies: Readonly<Record<DefaultPolicy, string>> = {
  deny: 'nobody may read what you have not permitted',
  'basic-normal': 'what is not sensitive may be read for treatment',
  'all-normal': 'what is not sensitive may be read for any purpose',
  'break-glass-only': 'your records may be read in a declared emergency only',
}

const policyIn = ({ defaultPolicy, isPolicyChosen }: Names): string =>
  `${isPolicyChosen ? 'the rule that you have chosen for that' : 'the general rule for that'} is that ${policies[defaultPolicy]}`

const purposes: Readonly<Record<string, string>> = {
  BTG: 'emergencies that somebody declares',
  ETREAT: 'emergency treatment',
  HMARKT: 'marketing',
  HOPERAT: 'the running of a hospital',
  HPAYMT: 'payment',
  HRESCH: 'research',
  PATRQT: 'requests of the patient',
  PUBHLTH: 'public health',
  TREAT: 'treatment',
}

/** A purpose of use in a word; its code where it has none. */
export const purposeName = (code: string): string => purposes[code] ?? `the purpose ${code}`

/** What a {@link directivePhrase} is made with. */
export interface PhraseOptions {
  /** What to call one of those whom it is for. */
  readonly actor: (actor: Actor) => string | undefined
  /** It is not granted; the patient considers it. */
  readonly isConsidered?: boolean
}

/** A phrase for a directive, by whom and what it is for: `your permission for Dr Chen, for treatment (5b1f0c2a)`. */
export function directivePhrase(
  { consent, root }: Directive,
  { actor, isConsidered = false }: PhraseOptions,
): string {
  const { actors, purposes: named } = root
  const whom = actors === undefined ? ['everybody'] : actors.map((one) => actor(one) ?? 'somebody')
  const shown = [...new Set(whom)]
  const some = shown.length > 3 ? [...shown.slice(0, 2), `${shown.length - 2} others`] : shown
  const what = root.effect === 'permit' ? 'permission for' : 'refusal towards'
  const why = named === undefined ? '' : `, for ${listOf(named.map(purposeName))}`
  const [whose, id] = isConsidered ? ['the considered', ''] : ['your', ` (${consent.slice(0, 8)})`]
  return `${whose} ${what} ${listOf(some)}${why}${id}`
}

function listOf(phrases: readonly string[]): string {
  const last = phrases.at(-1) ?? ''
  return phrases.length < 2 ? last : `${phrases.slice(0, -1).join(', ')} and ${last}`
}

const start = (phrase: string): string => phrase.charAt(0).toUpperCase() + phrase.slice(1)
