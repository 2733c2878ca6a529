import {
  check,
  Entry,
  limits,
  MedledgerError,
  placementOf,
  type Difference,
  type DocumentOutcome,
  type ReplayAnswer,
  type RequestOf,
  type Unreplayable,
} from '../api/index.ts'
import type { Book, Kept } from '../ledger/book.ts'
import type { Context, PlacementBooks } from '../ledger/context.ts'
import { entriesPrefix, entryKey, nobody } from '../ledger/keys.ts'
import { overallOf } from './access.ts'
import { decideAsThen, type DecidedAgain } from './decide-again.ts'
import type { Handlers } from './handlers.ts'

/** A page of a placement's accesses, decided again. Errors: FORBIDDEN for an organisation that is no member of it. */
async function replayEntries(context: Context, request: RequestOf<'ReplayEntries'>): Promise<ReplayAnswer> {
  const { custodian, after } = request
  const { members } = placementOf(context.constitution, custodian)
  if (!members.includes(context.caller.agent.organisation)) {
    throw new MedledgerError('FORBIDDEN', 'A placement is replayed by its members.')
  }
  const opened = await context.placement(custodian)
  // One more than a page shows whether there is a further one.
  const found = await opened.access.listWithKeys(entriesPrefix, {
    ...(after !== undefined && { after }),
    limit: limits.entriesPerReplay + 1,
  })
  const kept = found.slice(0, limits.entriesPerReplay)
  const sources = { ...context, registry: remembering(context.registry) }
  const placement = { ...opened, consent: remembering(opened.consent) }
  const replayed: Replayed[] = []
  for (const one of kept) replayed.push(await replay(sources, placement, one))
  const next = found.length > kept.length ? kept.at(-1)?.key : undefined
  return {
    checked: replayed.filter(({ isChecked }) => isChecked).length,
    differences: replayed.flatMap(({ differences = [] }) => differences),
    unreplayable: replayed.flatMap(({ because, name }) =>
      because === undefined ? [] : [{ ...name, because }],
    ),
    ...(next !== undefined && { next }),
  }
}

/** Many entries name the same versions: each is read once a page. */
function remembering(book: Book): Book {
  const seen = new Map<string, Promise<unknown>>()
  return {
    ...book,
    get: <Value>(key: string) => {
      const found = seen.get(key) ?? book.get(key)
      seen.set(key, found)
      return found as Promise<Value | undefined>
    },
  }
}

type Name = Pick<Difference, 'entry' | 'through'>

/** What came of one entry; of one that is no access, nothing. */
interface Replayed {
  readonly name: Name
  readonly isChecked: boolean
  readonly differences?: readonly Difference[]
  readonly because?: Unreplayable
}

async function replay(context: Context, placement: PlacementBooks, { key, value }: Kept): Promise<Replayed> {
  const [through = '', id = ''] = key.split('/').slice(-2)
  const name = { entry: id, through }
  const differs = (...found: Told[]): Replayed => ({
    name,
    isChecked: true,
    differences: found.map((told) => ({ ...name, document: null, ...told })),
  })
  const entry = asEntry(value)
  if (entry === undefined) return differs({ what: 'form', was: 'no entry', is: 'an entry' })
  if (entry.kind !== 'access') return { name, isChecked: false }
  const named = { at: entry.at, through: entry.agent.through, entry: entry.entry }
  const place = entryKey(placement.secret, entry.patient ?? nobody, named)
  if (place !== key || entry.custodian !== placement.custodian)
    return differs({
      what: 'place',
      was: 'of another patient, time, request or custodian',
      is: 'of this one',
    })
  const again = await decideAsThen(context, placement, entry)
  if ('missing' in again) return { name, isChecked: false, because: again.missing }
  return differs(...differencesOf(entry, again))
}

function asEntry(value: unknown): Entry | undefined {
  try {
    return check(Entry, value, 'entry')
  } catch {
    return undefined
  }
}

type Told = Pick<Difference, 'what' | 'was' | 'is'> & { readonly document?: string }

/** What of an entry is not as its inputs make it. */
export function differencesOf(entry: Entry, again: DecidedAgain): Told[] {
  const { inputs, documents, outcome } = entry
  const told: Told[] = [
    { what: 'asker', was: askerIn(entry.agent), is: askerIn(again.asker) },
    { what: 'default-policy', was: inputs?.defaultPolicy ?? 'none', is: again.set.defaultPolicy },
    ...documents.map((was, index) => {
      const is = again.outcomes[index]
      return {
        what: 'document',
        document: was.document,
        was: wordsOf(was),
        is: is ? wordsOf(is) : 'none',
      } as const
    }),
    { what: 'outcome', was: outcome, is: overallOf(again.outcomes) },
  ]
  return told.filter(({ was, is }) => was !== is)
}

const askerIn = (asker: Partial<DecidedAgain['asker']>): string => {
  const { role = 'no role', organisation = '', active = true, name } = asker
  return [role, organisation, ...(active ? [] : ['not active']), ...(name === undefined ? [] : [name])].join(
    ', ',
  )
}

/** An outcome on one line, in which nothing that was decided is left out. */
const wordsOf = ({ outcome, basis, basedOn, version }: DocumentOutcome): string =>
  [outcome, basis, ...basedOn, ...(version === null ? [] : [`version ${version}`])].join(' ')

export const replayHandlers = { ReplayEntries: replayEntries } satisfies Partial<Handlers>
