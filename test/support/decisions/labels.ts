import { type Answer, answer } from './answer.ts'
import type { Coding, Concept, Resource } from './case.ts'
import {
  actCode,
  actReason,
  confidentiality,
  handling,
  isOrIsUnder,
  isSensitivity,
  levels,
  observationValue,
} from './codes.ts'

/** What the labels of a record say, for one of its sensitivities. */
export interface Facet {
  /** Its place in {@link levels}. */
  readonly level: number
  readonly sensitivity: Coding | undefined
}

const normal = levels.indexOf('N')
const restricted = levels.indexOf('R')
const mostRestricted = levels.indexOf('V')

/** What a record, the resources that it contains or the entries of a Bundle may say of how they are labelled. */
interface Labelled {
  readonly resourceType?: string
  readonly meta?: { readonly security?: readonly Coding[] }
  /** Of a DocumentReference. */
  readonly securityLabel?: readonly Concept[]
  /** Of a Composition. */
  readonly confidentiality?: string
  readonly contained?: readonly Labelled[]
  readonly entry?: readonly { readonly resource?: Labelled }[]
}

function labelsOf(record: Labelled): Coding[] {
  const inner = [...(record.contained ?? []), ...(record.entry ?? []).map(({ resource = {} }) => resource)]
  const stated = record.confidentiality
  return [
    ...(record.meta?.security ?? []),
    ...(record.securityLabel ?? []).flatMap(({ coding = [] }) => coding),
    ...(stated === undefined ? [] : [{ system: confidentiality, code: stated }]),
    ...inner.flatMap(labelsOf),
  ]
}

const unconditional: ReadonlySet<string | undefined> = new Set([actReason, observationValue])

/** A label that says what a record is about; that of another system stands for itself. */
const isAbout = ({ system, code }: Coding): boolean =>
  system !== confidentiality &&
  !unconditional.has(system) &&
  !(system === actCode && handling.has(code ?? ''))

const levelOf = ({ code }: Coding): number => {
  const level = levels.indexOf(code ?? '')
  return level === -1 ? mostRestricted : level
}

/** A record with several sensitivities has to pass for each. */
export function facetsOf(record: Resource): Facet[] {
  const labels = labelsOf(record)
  const named = labels.filter(({ system }) => system === confidentiality).map(levelOf)
  const sensitivities = labels.filter(isAbout)
  const level = named.length > 0 ? Math.max(...named) : sensitivities.length > 0 ? restricted : normal
  return sensitivities.length === 0
    ? [{ level, sensitivity: undefined }]
    : sensitivities.map((sensitivity) => ({ level, sensitivity }))
}

export const isNormal = ({ level }: Facet): boolean => level <= normal

/** The answers of the labels of a rule: confidentiality is a ceiling in a permit, a floor in a deny. */
export const labelAnswers = (labels: readonly Coding[], effect: 'permit' | 'deny', facet: Facet): Answer[] =>
  labels.map((label) =>
    label.system === confidentiality
      ? levelAnswer(label, effect, facet)
      : sensitivityAnswer(label, facet.sensitivity),
  )

function levelAnswer({ code = '' }: Coding, effect: 'permit' | 'deny', { level }: Facet): Answer {
  const named = levels.indexOf(code)
  if (named === -1) return 'unknown'
  return answer(effect === 'permit' ? level <= named : level >= named)
}

function sensitivityAnswer(named: Coding, sensitivity: Coding = {}): Answer {
  const { system, code = '' } = named
  const same = sensitivity.system === system
  if (system === actCode && isSensitivity(code)) {
    return answer(same && isOrIsUnder(sensitivity.code ?? '', code))
  }
  return same && sensitivity.code === code ? 'yes' : 'unknown'
}
