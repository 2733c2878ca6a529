import { readFile } from 'node:fs/promises'
import {
  BadInput,
  parseBundle,
  patientNames,
  split,
  toChunks,
  type SourceDocument,
  type SplitResult,
} from '../../import/index.ts'
import { objectsAt, textAt } from '../../import/resource.ts'
import type { DevelopmentPerson } from '../../development/index.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import { ensurePatient } from '../ensure-patient.ts'
import type { CommonOptions } from '../options.ts'
import { plain, writeJson, type Output } from '../output.ts'
import { showProgress } from '../progress.ts'
import { openSession, type Session } from '../session.ts'

export interface ImportOptions extends CommonOptions {
  readonly org: string
}

interface Imported {
  readonly id: string
  readonly state: string
}

/** `medledger import`: hands the documents of a FHIR bundle to a hospital, as its records office. */
export async function importFile(file: string, options: ImportOptions, output: Output): Promise<void> {
  const bundle = parseBundle(await readInput(file))
  const result = split(bundle)
  const chunks = toChunks(result.documents)
  const session = await openSession(options.data)
  const custodian = records(session, options.org)
  const patient = await ensurePatient(session, patientNames(bundle))
  const progress = await showProgress(result.documents.length, output)
  const documents: Imported[] = []
  try {
    for (const chunk of chunks) {
      documents.push(...(await hand(chunk, { session, custodian, patient })))
      progress.update(documents.length)
    }
  } finally {
    progress.stop()
  }
  report(result, documents, patient, options, output)
}

/** Errors: exit 2, naming what is wrong with the file and nothing of its content. */
async function readInput(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new BadInput(`The file cannot be read (${code ?? 'unknown reason'}).`, { cause: error })
  }
}

function records({ people, instance }: Session, organisation: string): DevelopmentPerson {
  const known = instance.topology.constitution.placements.map(({ custodian }) => custodian)
  const found = people.find((person) => person.organisation === organisation && person.role === 'custodian')
  if (known.includes(organisation) && found !== undefined) return found
  throw new Failure(exitCodes.badInput, `${organisation} keeps no documents; these do: ${known.join(', ')}.`)
}

interface Delivery {
  readonly session: Session
  readonly custodian: DevelopmentPerson
  readonly patient: DevelopmentPerson
}

async function hand(
  chunk: readonly SourceDocument[],
  { session, custodian, patient }: Delivery,
): Promise<Imported[]> {
  const { body } = await session.gatewayFor(custodian).expect(
    {
      method: 'POST',
      path: '/v1/documents',
      body: { patient: patient.handle, documents: chunk },
      mediaType: 'application/json',
    },
    [200],
  )
  return objectsAt(body, 'documents').map((document) => ({
    id: textAt(document, 'id') ?? '',
    state: textAt(document, 'state') ?? '',
  }))
}

function report(
  { encounters, summary, leftOut }: SplitResult,
  documents: readonly Imported[],
  { user, handle }: DevelopmentPerson,
  { json, org }: ImportOptions,
  output: Output,
): void {
  if (json) {
    writeJson(output, { patient: { user, handle }, documents, encounters, summary, leftOut })
    return
  }
  const states = Map.groupBy(documents, ({ state }) => state)
  const counts = [...states].map(([state, members]) => `${members.length} ${plain(state)}`).join(', ')
  const left = Object.entries(leftOut).map(([type, count]) => `${count} ${plain(type)}`)
  const parts = `${encounters} encounters${summary ? ' and a patient summary' : ''}`
  output.out(`Patient ${user}\n${documents.length} documents at ${org} (${parts}): ${counts || 'none'}\n`)
  output.out(`Left out: ${left.length > 0 ? left.join(', ') : 'nothing'}\n`)
}
