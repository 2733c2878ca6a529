import type { Actor, Directive } from './directive.ts'
import type { Asker, Facts, RecordFacts } from './facts.ts'

/** Version of what {@link decide} means; an entry names it, so that an old decision can be replayed by its own rules. */
export const coreVersion = 1

export interface Decision {
  /** Permit when a conceivable record would be permitted; it does not depend on the records sent. */
  readonly outcome: 'permit' | 'deny'
  readonly basis: Basis
  /** Consents that decided, sorted. */
  readonly basedOn: readonly string[]
  readonly rule: 'deny-overrides'
  /** Directives whose effect depends on the record. */
  readonly residual: readonly Directive[]
  readonly records: readonly RecordDecision[]
  /** One line for every directive: whether and why it applies. */
  readonly trace: readonly string[]
}

export type Basis = 'directive' | 'self' | 'author' | 'default-policy'

export interface RecordDecision {
  readonly id: string
  readonly outcome: 'permit' | 'deny'
  readonly basis: Basis
  readonly basedOn: readonly string[]
}

type Judgement = Pick<RecordDecision, 'outcome' | 'basis' | 'basedOn'>

/**
 * Whether a patient's records may be shown, and why. Total and deterministic; the order of the directives is without
 * effect. A patient may see her own records; else a deny that applies trumps every permit; else a permit that applies
 * permits; else the default policy (IHE PCF) decides.
 */
export function decide(facts: Facts): Decision {
  const trace: string[] = []
  const applicable = facts.directives.filter((directive) => applies(directive, facts, trace))
  const overall = judge(
    facts,
    applicable.filter((directive) => directive.types === undefined || directive.effect === 'permit'),
  )
  const mayPermitAuthor = overall.basis === 'default-policy' && authorsMay(facts)
  return {
    ...(mayPermitAuthor ? { outcome: 'permit', basis: 'author', basedOn: [] } : overall),
    rule: 'deny-overrides',
    residual: applicable.filter((directive) => directive.types !== undefined),
    records: facts.records.map((record) => ({ id: record.id, ...judgeRecord(facts, applicable, record) })),
    trace: trace.sort(),
  }
}

/** Whether the directive's conditions other than those on the record hold. */
function applies(directive: Directive, facts: Facts, trace: string[]): boolean {
  const reason = obstacle(directive, facts)
  trace.push(`${directive.consent}: ${reason ?? `${directive.effect} applies`}`)
  return reason === undefined
}

function obstacle(directive: Directive, { at, purpose, asker }: Facts): string | undefined {
  if (directive.start !== undefined && at < directive.start) return 'not yet valid'
  if (directive.end !== undefined && at > directive.end) return 'no longer valid'
  if (directive.purposes !== undefined && !directive.purposes.includes(purpose)) return 'for another purpose'
  if (directive.actors?.some((actor) => isActor(actor, asker)) === false) return 'for somebody else'
  return undefined
}

function isActor(actor: Actor, asker: Asker): boolean {
  if ('person' in actor) return asker.kind === 'person' && actor.person === asker.id
  if ('organisation' in actor) return asker.kind === 'person' && actor.organisation === asker.organisation
  return actor.role === asker.role
}

function judgeRecord(facts: Facts, applicable: readonly Directive[], record: RecordFacts): Judgement {
  const judgement = judge(
    facts,
    applicable.filter((directive) => isOfType(directive, record)),
  )
  const isAuthor = authorsMay(facts) && record.author === facts.asker.id
  if (judgement.basis === 'default-policy' && isAuthor)
    return { outcome: 'permit', basis: 'author', basedOn: [] }
  return judgement
}

const isOfType = ({ types }: Directive, { type }: RecordFacts): boolean =>
  types === undefined ||
  types.some(({ system, code }) => code === type.code && (system === undefined || system === type.system))

/** `basic-normal`: the custodian's own staff reach what they wrote, for treatment. */
const authorsMay = ({ defaultPolicy, asker, custodian, purpose }: Facts): boolean =>
  defaultPolicy === 'basic-normal' &&
  asker.kind === 'person' &&
  asker.organisation === custodian &&
  purpose === 'TREAT'

function judge({ asker, patient }: Facts, directives: readonly Directive[]): Judgement {
  if (asker.kind === 'patient' && asker.id === patient)
    return { outcome: 'permit', basis: 'self', basedOn: [] }
  const denies = consentsOf(directives, 'deny')
  if (denies.length > 0) return { outcome: 'deny', basis: 'directive', basedOn: denies }
  const permits = consentsOf(directives, 'permit')
  if (permits.length > 0) return { outcome: 'permit', basis: 'directive', basedOn: permits }
  return { outcome: 'deny', basis: 'default-policy', basedOn: [] }
}

const consentsOf = (directives: readonly Directive[], effect: Directive['effect']): string[] =>
  [
    ...new Set(directives.filter((directive) => directive.effect === effect).map(({ consent }) => consent)),
  ].sort()
