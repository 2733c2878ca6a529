import { readFile } from 'node:fs/promises'
import { objectAt, objectsAt, textAt, type Json } from '../../import/resource.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import type { PersonalOptions } from '../options.ts'
import { plain, writeJson, type Output } from '../output.ts'
import { openSession, type Session } from '../session.ts'
import { whoIs } from './consent.ts'
import { logPages } from './reading.ts'

export interface ExplainOptions extends PersonalOptions {
  readonly custodian?: string
  readonly through?: string
}

interface Place {
  readonly custodian: string
  readonly through: string
}

/** `medledger explain`: why an access was decided as it was, to the patient whose access it is. */
export async function explain(entry: string, options: ExplainOptions, output: Output): Promise<void> {
  if (!/^[0-9a-f]{32}$/.test(entry))
    throw new Failure(exitCodes.badInput, 'An entry’s id is 32 hexadecimal digits: see `medledger log`.')
  const session = await openSession(options.data)
  const { custodian, through } = await placeOf(entry, options, session)
  const path = `/v1/decisions/${custodian}/${through}/${entry}`
  const gateway = session.gatewayFor(session.person(options.as), options.at)
  const { body } = await gateway.expect({ method: 'GET', path, mediaType: 'application/json' }, [200])
  if (options.json) writeJson(output, body)
  else output.out(renderExplanation(body))
}

/**
 * Where an entry lies: as the options say, or as the person's own log does. Whoever is no patient is told the same of every
 * entry, wherever it lies. Errors: exit 2, exit 3.
 */
async function placeOf(entry: string, options: ExplainOptions, session: Session): Promise<Place> {
  const { custodian, through } = options
  if (custodian !== undefined && through !== undefined) return { custodian, through }
  const person = session.person(options.as)
  const [placement] = session.instance.topology.constitution.placements
  if (person.role !== 'patient')
    return { custodian: placement?.custodian ?? '', through: person.organisation }
  const found: Place[] = []
  for await (const { rows } of logPages(session.gatewayFor(person, options.at), person.handle))
    found.push(...rows.filter((row) => row.entry === entry && row.kind === 'access'))
  const fitting = found.filter(
    (place) =>
      (custodian ?? place.custodian) === place.custodian && (through ?? place.through) === place.through,
  )
  const [first, ...others] = fitting
  if (first === undefined) throw new Failure(exitCodes.notFound, 'Your log has no access with this id.')
  if (others.length === 0) return first
  const places = fitting.map((place) => `--custodian ${place.custodian} --through ${place.through}`)
  throw new Failure(exitCodes.badInput, `Several accesses have this id: say ${places.join(' or ')}.`)
}

const again: Readonly<Record<string, string>> = {
  same: 'Decided again from what the entry names, it comes out the same.',
  different: 'Decided again from what the entry names, it comes out DIFFERENTLY: tell an auditor.',
}

function renderExplanation(body: unknown): string {
  const notice = textAt(body, 'notice')
  if (notice !== undefined) return `${plain(notice)}\n`
  const asker = objectAt(body, 'asker')
  const who = textAt(asker, 'name') ?? textAt(asker, 'kind') ?? ''
  const head = [
    textAt(body, 'at'),
    `${who} (${textAt(asker, 'organisation') ?? ''})`,
    textAt(body, 'purpose'),
    textAt(body, 'outcome'),
  ]
  const checked = again[textAt(body, 'decidedAgain') ?? '']
  return lines([
    head.filter(Boolean).join('  '),
    ...sentencesOf(body),
    ...documentLines(body),
    ...(checked === undefined ? [] : [checked]),
  ])
}

const lines = (all: readonly string[]): string => all.map((line) => `${plain(line)}\n`).join('')

function sentencesOf(value: unknown): string[] {
  const found = (value as Json)['sentences']
  return Array.isArray(found) ? found.filter((sentence) => typeof sentence === 'string') : []
}

const documentLines = (body: unknown): string[] =>
  objectsAt(body, 'documents').flatMap((document) => [
    `${textAt(document, 'outcome') ?? ''}  ${textAt(document, 'document') ?? ''}`,
    ...sentencesOf(document).map((sentence) => `  ${sentence}`),
  ])

export interface SimulateOptions extends PersonalOptions {
  readonly to: string
  readonly purpose: string
  readonly on?: string
  readonly file?: string
  readonly without?: readonly string[]
}

/** `medledger simulate`: what would be decided about the patient's documents if somebody asked for them. */
export async function simulate(options: SimulateOptions, output: Output): Promise<void> {
  const session = await openSession(options.data)
  const { purpose, on, file, without } = options
  const body = {
    who: whoIs(options.to, session),
    purpose,
    ...(on !== undefined && { at: on }),
    ...(file !== undefined && { consent: await readConsent(file) }),
    ...(without !== undefined && { without }),
  }
  const gateway = session.gatewayFor(session.person(options.as), options.at)
  const path = '/v1/decisions/simulate'
  const answer = await gateway.expect({ method: 'POST', path, body, mediaType: 'application/json' }, [200])
  if (options.json) writeJson(output, answer.body)
  else output.out(lines(objectsAt(answer.body, 'custodians').flatMap(custodianLines)))
  const silent = objectsAt(answer.body, 'custodians').filter((at) => textAt(at, 'error') !== undefined)
  if (silent.length > 0) {
    const names = silent.map((at) => `${textAt(at, 'custodian')} (${textAt(at, 'error')})`).join(', ')
    throw new Failure(exitCodes.unavailable, `Not every custodian has answered: ${names}.`)
  }
}

function custodianLines(at: Json): string[] {
  if (textAt(at, 'error') !== undefined) return []
  const count = objectsAt(at, 'documents').length
  const some = `${count} ${count === 1 ? 'document' : 'documents'}`
  return [`${textAt(at, 'custodian')}: ${some}`, ...sentencesOf(at), ...documentLines(at)]
}

/** Errors: exit 2. */
async function readConsent(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message
    throw new Failure(exitCodes.badInput, `${file} cannot be used: ${reason}`, { cause: error })
  }
}
