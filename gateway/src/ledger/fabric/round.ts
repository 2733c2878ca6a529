import { MedledgerError, type Endorsers } from 'medledger-chaincode/api'

/** No answer of ours. `away`: for a reason that another peer may not share. The reason is in words of our own. */
export interface Failure {
  readonly kind: 'failed'
  readonly away: boolean
  readonly reason: string
}

/** What came of asking one organisation to endorse. */
export type Answer<Response> =
  | { readonly kind: 'endorsed'; readonly payload: Uint8Array; readonly response: Response }
  | { readonly kind: 'refused'; readonly error: MedledgerError }
  | Failure

/**
 * One round of endorsement: who is needed, who has been asked, what they said. It is a value; the functions below give
 * the next one.
 *
 * An answer is either the bytes to endorse or a refusal's code, and what `count` organisations say alike, all required
 * ones among them, is the outcome. So one organisation alone can neither slip its result past the others nor hold a
 * request up, unless it is required.
 */
export interface Round<Response> {
  readonly required: readonly string[]
  /** Whoever may be asked besides, best first. */
  readonly others: readonly string[]
  readonly othersNeeded: number
  readonly asked: ReadonlySet<string>
  /** Asked, not required, and slower than they should be: someone else is asked in their place. */
  readonly overdue: ReadonlySet<string>
  readonly answers: ReadonlyMap<string, Answer<Response>>
}

/** How a round ends. `split` is worth another proposal: peers differ while one of them is a block behind. */
export type Verdict<Response> =
  | {
      readonly kind: 'endorsed'
      readonly payload: Uint8Array
      readonly organisations: readonly string[]
      readonly responses: readonly Response[]
    }
  | { readonly kind: 'refused'; readonly error: MedledgerError }
  | { readonly kind: 'split'; readonly error: MedledgerError }
  | { readonly kind: 'unavailable'; readonly error: MedledgerError }

/** A new round; `preferred` orders the candidates who are not required, and those it leaves out come last. */
export function startRound<Response>(endorsers: Endorsers, preferred: readonly string[]): Round<Response> {
  const required = [...new Set(endorsers.required)]
  const candidates = [...new Set(endorsers.among)].filter((organisation) => !required.includes(organisation))
  const others = [
    ...new Set([...preferred.filter((organisation) => candidates.includes(organisation)), ...candidates]),
  ]
  return {
    required,
    others,
    othersNeeded: Math.max(0, endorsers.count - required.length),
    asked: new Set(),
    overdue: new Set(),
    answers: new Map(),
  }
}

/** What makes two answers the same one; undefined for a failure, which is no answer. */
function likeness(answer: Answer<unknown> | undefined): string | undefined {
  if (answer === undefined || answer.kind === 'failed') return undefined
  return answer.kind === 'refused'
    ? `refused ${answer.error.code}`
    : `endorsed ${Buffer.from(answer.payload).toString('base64')}`
}

/** The organisations by what they answered, in the order of the first to answer so. */
function groups<Response>(round: Round<Response>): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [organisation, answer] of round.answers) {
    const key = likeness(answer)
    if (key !== undefined) found.set(key, [...(found.get(key) ?? []), organisation])
  }
  return found
}

/** Whether no required organisation has answered anything else, or failed. */
const isOpen = <Response>(round: Round<Response>, key: string): boolean =>
  round.required.every(
    (organisation) => !round.answers.has(organisation) || likeness(round.answers.get(organisation)) === key,
  )

const notRequired = <Response>(round: Round<Response>, organisations: readonly string[]): string[] =>
  organisations.filter((organisation) => !round.required.includes(organisation))

/** How many organisations that are not required agree already, in whichever answer can still win. */
function agreeing<Response>(round: Round<Response>, kind: string): number {
  const counts = [...groups(round)]
    .filter(([key]) => key.startsWith(kind) && isOpen(round, key))
    .map(([, organisations]) => notRequired(round, organisations).length)
  return Math.max(0, ...counts)
}

const waitingFor = <Response>(round: Round<Response>): string[] =>
  round.others.filter((organisation) => round.asked.has(organisation) && !round.answers.has(organisation))

const unasked = <Response>(round: Round<Response>): string[] =>
  round.others.filter((organisation) => !round.asked.has(organisation))

/** Whom to ask now: every required organisation, and as many others as the best answer so far lacks. */
export function toAsk<Response>(round: Round<Response>): readonly string[] {
  const required = round.required.filter((organisation) => !round.asked.has(organisation))
  const onTime = waitingFor(round).filter((organisation) => !round.overdue.has(organisation)).length
  const lacking = round.othersNeeded - agreeing(round, '') - onTime
  return [...required, ...unasked(round).slice(0, Math.max(0, lacking))]
}

export const asked = <Response>(round: Round<Response>, organisation: string): Round<Response> => ({
  ...round,
  asked: new Set([...round.asked, organisation]),
})

export const answered = <Response>(
  round: Round<Response>,
  organisation: string,
  answer: Answer<Response>,
): Round<Response> => ({ ...round, answers: new Map([...round.answers, [organisation, answer]]) })

/** Gives up waiting for the first of those that are not required, without forgetting it: it may still answer. */
export function hedged<Response>(round: Round<Response>): Round<Response> {
  const slow = waitingFor(round).find((organisation) => !round.overdue.has(organisation))
  return slow === undefined ? round : { ...round, overdue: new Set([...round.overdue, slow]) }
}

function endorsement<Response>(round: Round<Response>): Verdict<Response> | undefined {
  for (const [key, organisations] of groups(round)) {
    const others = notRequired(round, organisations)
    const complete = round.required.every((organisation) => organisations.includes(organisation))
    if (!key.startsWith('endorsed') || !complete || others.length < round.othersNeeded) continue
    const chosen = [...round.required, ...others.slice(0, round.othersNeeded)]
    const given = chosen.flatMap((organisation) => {
      const answer = round.answers.get(organisation)
      return answer?.kind === 'endorsed' ? [answer] : []
    })
    const [first] = given
    if (first === undefined) continue
    const responses = given.map(({ response }) => response)
    return { kind: 'endorsed', payload: first.payload, organisations: chosen, responses }
  }
  return undefined
}

/** The refusal most often given; one endorser's clock alone is the weakest reason. */
function refusal<Response>(round: Round<Response>): { error: MedledgerError; times: number } | undefined {
  const errors = [...round.answers.values()].flatMap((answer) =>
    answer.kind === 'refused' ? [answer.error] : [],
  )
  const times = (error: MedledgerError): number => errors.filter(({ code }) => code === error.code).length
  const weight = (error: MedledgerError): number => times(error) - (error.code === 'CLOCK_SKEW' ? 0.5 : 0)
  const [best] = errors.sort((a, b) => weight(b) - weight(a))
  return best && { error: best, times: times(best) }
}

/** The outcome that no further answer can change for the better, once endorsement is out of reach. */
function shortfall<Response>(round: Round<Response>): Verdict<Response> {
  const failures = [...round.answers].flatMap(([organisation, answer]) =>
    answer.kind === 'failed' ? [{ organisation, ...answer }] : [],
  )
  const requiredFailed = failures.some(({ organisation }) => round.required.includes(organisation))
  // Answers that differ, a refusal among them or not, decide nothing: one organisation's word is not the ledger's.
  if (groups(round).size > 1 && !requiredFailed) return { kind: 'split', error: differing(round) }
  const away = failures.filter((failure) => failure.away).map(({ organisation }) => organisation)
  if (away.length > 0)
    return {
      kind: 'unavailable',
      error: new MedledgerError(
        'LEDGER_UNAVAILABLE',
        `Not enough of the ledger answers: no peer of ${away.join(', ')} gave a usable answer. Nothing was ordered.`,
      ),
    }
  if (refusal(round) !== undefined && !requiredFailed) return { kind: 'unavailable', error: differing(round) }
  const faulty = failures.map(({ organisation }) => organisation).join(', ')
  const reason =
    faulty === ''
      ? 'The ledger has fewer endorsers than this request needs.'
      : `The ledger could not work on this request at ${faulty}.`
  return { kind: 'unavailable', error: new MedledgerError('INTERNAL', `${reason} Nothing was ordered.`) }
}

function differing<Response>(round: Round<Response>): MedledgerError {
  const organisations = [...round.answers.keys()].join(', ')
  const text = `The peers of ${organisations} did not agree. Nothing was ordered.`
  return new MedledgerError('LEDGER_UNAVAILABLE', text)
}

/** A refusal that counts whatever else is said: a required organisation's, or where none is required that of enough. */
function finalRefusal<Response>(round: Round<Response>): Verdict<Response> | undefined {
  for (const organisation of round.required) {
    const answer = round.answers.get(organisation)
    if (answer?.kind === 'refused') return answer
  }
  const refused = refusal(round)
  const isFinal = round.required.length === 0 && refused !== undefined && refused.times >= round.othersNeeded
  return isFinal ? { kind: 'refused', error: refused.error } : undefined
}

/** Whether an answer still to come can make a refusal final: a required organisation's, or enough alike. */
function mayStillRefuse<Response>(round: Round<Response>): boolean {
  if (round.required.length > 0)
    return round.required.some((organisation) => !round.answers.has(organisation))
  const open = waitingFor(round).length + unasked(round).length
  return open > 0 && agreeing(round, 'refused') + open >= round.othersNeeded
}

/**
 * The verdict, as soon as there is one:
 *
 * - matching endorsements of every required organisation and enough others win, whatever else was said;
 * - a required organisation's refusal is final, and so, where none is required, is one that as many organisations give
 *   as would have to endorse;
 * - any other refusal decides nothing: an organisation alone must not be able to make a request seem answered;
 * - nobody waits for an answer that cannot change the outcome.
 */
export function verdictOf<Response>(round: Round<Response>): Verdict<Response> | undefined {
  const complete = endorsement(round)
  if (complete !== undefined) return complete
  const refused = finalRefusal(round)
  if (refused !== undefined) return refused
  const requiredAnswers = round.required.flatMap((organisation) => round.answers.get(organisation) ?? [])
  const requiredDiffer = new Set(requiredAnswers.map(likeness)).size > 1
  const requiredFailed = requiredAnswers.some(({ kind }) => kind === 'failed')
  const reachable = agreeing(round, 'endorsed') + waitingFor(round).length + unasked(round).length
  const isOver = reachable < round.othersNeeded && !mayStillRefuse(round)
  if (requiredDiffer || requiredFailed || isOver) return shortfall(round)
  return undefined
}
