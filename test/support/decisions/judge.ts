import type { Coding, DecisionCase, DefaultPolicy, Ground, Outcome, Resource } from './case.ts'
import { actReason, codingOf, covers, isUnderstoodPurpose } from './codes.ts'
import { type Directive, directivesOf, type Rule } from './directive.ts'
import { type Facet, facetsOf, isNormal } from './labels.ts'
import { isOfPatient } from './record.ts'
import {
  hear,
  type Heard,
  isAllowList,
  isEmergency,
  permits,
  rulesOnRecords,
  strongest,
  type Subject,
  verdictOf,
} from './tree.ts'

export interface Judgement extends Ground {
  readonly outcome: Outcome
  /** By what: a directive, a directive that permits other things only, or the default policy. */
  readonly by: 'directive' | 'allow-list' | 'default'
}

/** A directive as it is heard for one purpose. */
interface Voice {
  readonly id: string
  readonly heard: Heard
}

/** A case, for each purpose with its directives in the order in which they are heard, those of the same rank together. */
export interface Prepared {
  readonly input: DecisionCase
  readonly purposes: readonly { readonly purpose: Coding; readonly ranks: readonly (readonly Voice[])[] }[]
}

/** The purposes to judge: treatment declared together with an emergency is that emergency. */
function purposesOf({ request }: DecisionCase): Coding[] {
  const asked = request.purpose.map(codingOf)
  const isTreatment = ({ system, code }: Coding): boolean => system === actReason && code === 'TREAT'
  return asked.some(isEmergency) ? asked.filter((purpose) => !isTreatment(purpose)) : asked
}

/** The newest first where that counts, else all together. */
function ranked(directives: readonly Directive[], { combining }: DecisionCase): Directive[][] {
  if (combining !== 'newest-wins') return [[...directives]]
  const dates = [...new Set(directives.map(({ issued }) => issued))].sort((left, right) =>
    left < right ? 1 : -1,
  )
  return dates.map((date) => directives.filter(({ issued }) => issued === date))
}

export function prepare(input: DecisionCase): Prepared {
  const ranks = ranked(directivesOf(input), input)
  const voicesFor = (purpose: Coding, directives: readonly Directive[]): Voice[] =>
    directives.flatMap((directive) => {
      const heard = hear(directive, { input, purpose })
      return heard === undefined ? [] : [{ id: directive.id, heard }]
    })
  const purposes = purposesOf(input).map((purpose) => ({
    purpose,
    ranks: ranks.map((rank) => voicesFor(purpose, rank)),
  }))
  return { input, purposes }
}

/** The rules whose conditions on records can make a difference to a case. */
export const relevantRules = ({ purposes }: Prepared): Rule[] => [
  ...new Set(purposes.flatMap(({ ranks }) => ranks.flat().flatMap(({ heard }) => rulesOnRecords(heard)))),
]

const byCodePoint = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
export const sortedIds = (ids: readonly string[]): string[] => [...new Set(ids)].sort(byCodePoint)

const byConsents = (
  outcome: Outcome,
  by: Judgement['by'],
  consents: readonly { readonly id: string }[],
): Judgement => ({ outcome, by, basis: 'consent', basedOn: sortedIds(consents.map(({ id }) => id)) })

/** What directives of the same rank decide by deny-overrides; undefined when they do not decide. */
function combine(voices: readonly Voice[], subject: Subject, input: DecisionCase): Judgement | undefined {
  const said = voices.map(({ id, heard }) => ({ id, verdict: verdictOf(heard, subject, input) }))
  const found = strongest(said.map(({ verdict }) => verdict))
  if (found !== 'none') {
    const decisive = said.filter(({ verdict }) => verdict === found)
    return byConsents(permits(found) ? 'permit' : 'deny', 'directive', decisive)
  }
  const allowLists = voices.filter(({ heard }) => isAllowList(heard))
  return allowLists.length === 0 ? undefined : byConsents('deny', 'allow-list', allowLists)
}

function permitsByDefault(policy: DefaultPolicy, purpose: Coding, facet: Facet): boolean {
  const treatment: Coding = { system: actReason, code: 'TREAT' }
  const policies: Readonly<Record<DefaultPolicy, boolean>> = {
    deny: false,
    'basic-normal': isNormal(facet) && !isEmergency(purpose) && covers(treatment, purpose) === 'yes',
    'all-normal': isNormal(facet) && isUnderstoodPurpose(purpose),
    'break-glass-only': isEmergency(purpose),
  }
  return policies[policy]
}

/** The record rule: every sensitivity and every purpose on its own, and a permit only when each is one. */
export function judgementsOf({ input, purposes }: Prepared, record: Resource): Judgement[] {
  return facetsOf(record).flatMap((facet) =>
    purposes.map(({ purpose, ranks }): Judgement => {
      for (const voices of ranks) {
        const decided = combine(voices, { record, facet }, input)
        if (decided !== undefined) return decided
      }
      const outcome = permitsByDefault(input.defaultPolicy, purpose, facet) ? 'permit' : 'deny'
      return { outcome, by: 'default', basis: 'default-policy', basedOn: [] }
    }),
  )
}

export const isPermitted = (judgements: readonly Judgement[]): boolean =>
  judgements.every(({ outcome }) => outcome === 'permit')

export function outcomeOf(prepared: Prepared, record: Resource): Outcome {
  const { request, directory = [] } = prepared.input
  if (isOfPatient(record, request, directory) !== 'yes') return 'deny'
  return isPermitted(judgementsOf(prepared, record)) ? 'permit' : 'deny'
}

/** What several judgements of the same outcome rest on together. */
export function groundOf(judgements: readonly Judgement[]): Ground {
  const basedOn = sortedIds(judgements.flatMap((judgement) => judgement.basedOn))
  return { basis: basedOn.length === 0 ? 'default-policy' : 'consent', basedOn }
}
