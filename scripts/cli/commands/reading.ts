import { check, DocumentId } from 'medledger-chaincode/api'
import { objectsAt, textAt } from '../../import/resource.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import { matchesOf, remarksOf, toDocumentRow, toLogRows, type LogRow } from '../fhir.ts'
import { problemOf, toFailure, type GatewayClient } from '../gateway-client.ts'
import type { PersonalOptions } from '../options.ts'
import { plain, table, writeJson, type Output } from '../output.ts'
import { openSession } from '../session.ts'
import { summarise } from '../summary.ts'

interface PatientOptions extends PersonalOptions {
  readonly patient: string
}

function remark(bundle: unknown, { err }: Output): void {
  for (const line of remarksOf(bundle)) err(`${plain(line)}\n`)
}

/** `medledger documents`: what the person could read now of a patient. */
export async function documents(options: PatientOptions, output: Output): Promise<void> {
  const session = await openSession(options.data)
  const person = session.person(options.as)
  const patient = session.patientHandle(options.patient)
  const path = `/fhir/DocumentReference?patient=${patient}`
  const { body } = await session.gatewayFor(person, options.at).expect({ method: 'GET', path }, [200])
  const found = matchesOf(body).map(toDocumentRow)
  if (options.json) writeJson(output, found)
  else if (found.length === 0) output.out('No documents that you may read.\n')
  else {
    const rows = found.map(({ id, type, typeName, date, custodian, title }) => [
      id,
      type,
      typeName,
      date,
      custodian,
      title ?? '',
    ])
    output.out(table(['document', 'type', '', 'date', 'custodian', 'title'], rows))
  }
  remark(body, output)
}

interface ReadOptions extends PersonalOptions {
  readonly purpose?: string
}

/**
 * `medledger read`: asks for a document. A refusal is an answer too: it is printed, with the entry that it left, before
 * the command ends with exit 4.
 */
export async function read(document: string, options: ReadOptions, output: Output): Promise<void> {
  requireDocumentId(document)
  const session = await openSession(options.data)
  const gateway = session.gatewayFor(session.person(options.as), options.at)
  const answer = await gateway.send({
    method: 'GET',
    path: `/fhir/Bundle/${document}`,
    ...(options.purpose !== undefined && { headers: { 'x-purpose-of-use': options.purpose } }),
  })
  const { status, body, entry } = answer
  if (status === 200) {
    if (options.json)
      writeJson(output, { entry, documents: [{ id: document, outcome: 'permit', document: body }] })
    else output.out(`${summarise(body)}\nEntry ${entry ?? 'unknown'}\n`)
    return
  }
  const isRefusal = status === 403 && problemOf(body).code === 'NOT_RELEASED'
  if (isRefusal && options.json) writeJson(output, { entry, documents: [{ id: document, outcome: 'deny' }] })
  const failure = toFailure(answer)
  if (entry === undefined) throw failure
  throw new Failure(failure.exitCode, `${failure.message} Entry ${plain(entry)}`)
}

function requireDocumentId(document: string): void {
  try {
    check(DocumentId, document, 'document id')
  } catch {
    throw new Failure(
      exitCodes.badInput,
      'A document id is its custodian, a hyphen and 32 hexadecimal digits: see `medledger documents`.',
    )
  }
}

/** A page as large as a gateway gives. */
const logPage = 500

/** The pages of a patient's log, from a gateway's first to its last, with what it says about each. */
export async function* logPages(
  gateway: GatewayClient,
  patient: string,
): AsyncGenerator<{ readonly rows: readonly LogRow[]; readonly remarks: readonly string[] }> {
  let path: string | undefined = `/fhir/AuditEvent?patient=${patient}&_count=${logPage}`
  while (path !== undefined) {
    const { body }: { body: unknown } = await gateway.expect({ method: 'GET', path }, [200])
    yield { rows: toLogRows(body), remarks: remarksOf(body) }
    path = nextOf(body)
  }
}

/** `medledger log`: who did what with a patient's records, page by page as they come. Looking is itself an entry. */
export async function log(options: PatientOptions, output: Output): Promise<void> {
  const session = await openSession(options.data)
  const person = session.person(options.as)
  const patient = session.patientHandle(options.patient)
  const said = new Set<string>()
  let shown = 0
  for await (const { rows, remarks } of logPages(session.gatewayFor(person, options.at), patient)) {
    for (const line of remarks) said.add(plain(line))
    output.out(options.json ? asJson(rows, shown) : asTable(rows, shown))
    shown += rows.length
  }
  if (options.json) output.out(shown === 0 ? '[]\n' : ']\n')
  for (const line of said) output.err(`${line}\n`)
}

/** The next page is the same gateway's. Errors: exit 1. */
function nextOf(bundle: unknown): string | undefined {
  const link = objectsAt(bundle, 'link').find((candidate) => textAt(candidate, 'relation') === 'next')
  const path = textAt(link, 'url')
  if (path === undefined || path.startsWith('/fhir/AuditEvent?')) return path
  throw new Failure(exitCodes.error, 'The gateway names a next page that is none of the log.')
}

/** Rows as what a JSON array has after as many others. */
const asJson = (rows: readonly LogRow[], shown: number): string =>
  rows.map((row, index) => `${shown + index > 0 ? ',' : '['}${JSON.stringify(row)}`).join('')

/** The first rows, be there none, have the names of the columns above them. */
function asTable(rows: readonly LogRow[], shown: number): string {
  const header = ['at', 'block', 'entry', 'kind', 'who', 'of', 'purpose', 'delivered', 'what']
  const text = table(header, rows.map(toCells))
  return shown === 0 ? text : text.slice(text.indexOf('\n') + 1)
}

const delivery = (delivered: boolean | null): string => {
  if (delivered === null) return ''
  return delivered ? 'yes' : 'no'
}

/** What was granted, revoked, searched for or answered. */
const detailOf = ({ change, consent, readingOf, of }: LogRow): string =>
  [change, consent, readingOf, of && `of ${of}`].filter(Boolean).join(' ')

function toCells(row: LogRow): string[] {
  const { at, block, entry, kind, person, organisation, purpose, documents, delivered } = row
  const what = [...documents.map(({ id, outcome }) => `${outcome} ${id}`), detailOf(row)]
    .filter(Boolean)
    .join(', ')
  return [at, String(block), entry, kind, person, organisation, purpose ?? '', delivery(delivered), what]
}
