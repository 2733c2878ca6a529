import type { Constitution } from 'medledger-chaincode/api'
import { findPerson, type DevelopmentPerson } from '../development/index.ts'
import { demoDocuments, type DemoDocument } from '../development/demo-documents.ts'
import { requestDevelopmentToken } from '../identity-provider/index.ts'
import type { GatewayAddress } from './topologies.ts'

export interface DemoOptions {
  readonly constitution: Constitution
  readonly gateways: readonly GatewayAddress[]
  readonly people: readonly DevelopmentPerson[]
  /** What the development providers ask for. */
  readonly secret: string
}

/** Raised when the demonstration documents change, so that instances which have the older ones get the new ones. */
export const demoStep = 'demonstration documents 2'

/** The document that the story is about: North's laboratory report of maria. */
export const storyDocument = demoDocuments[0]?.id

/** Hands the demonstration documents to the hospitals' gateways, as their records offices. A repeat changes nothing. */
export async function loadDemo(options: DemoOptions): Promise<void> {
  const groups = Map.groupBy(demoDocuments, ({ custodian, patient }) => `${custodian} ${patient}`)
  for (const documents of groups.values()) await post(documents, options)
}

async function post(documents: readonly DemoDocument[], options: DemoOptions): Promise<void> {
  const [{ custodian, patient } = { custodian: '', patient: '' }] = documents
  const { people, gateways } = options
  const url = gateways.find(({ organisation }) => organisation === custodian)?.url ?? ''
  const body = {
    patient: handleOf(people, patient),
    documents: documents.map(({ id, type, title, date, author, bundle }) => ({
      source: id,
      id,
      type,
      title,
      date,
      bundle,
      ...(author !== undefined && { author: handleOf(people, author) }),
    })),
  }
  const response = await fetch(`${url}/v1/documents`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await tokenFor(`records.${custodian}`, custodian, options)}`,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  })
  const answer = (await response.json()) as { code?: string; detail?: string }
  if (response.status !== 200)
    throw new Error(
      `The demonstration documents were not taken by ${custodian}: ${answer.code ?? response.status} ${answer.detail ?? ''}`,
    )
}

function handleOf(people: readonly DevelopmentPerson[], user: string): string {
  const person = findPerson(people, user)
  if (person === undefined) throw new Error(`The demonstration needs ${user}, who is not among the people.`)
  return person.handle
}

async function tokenFor(user: string, organisation: string, options: DemoOptions): Promise<string> {
  const { constitution, secret } = options
  const issuer = constitution.issuers.find((candidate) => candidate.organisation === organisation)?.issuer
  const audience = constitution.organisations.find(({ name }) => name === organisation)?.audience
  if (issuer === undefined || audience === undefined)
    throw new Error(`There is no ${user} to hand in the demonstration documents.`)
  return requestDevelopmentToken({ issuer, user, audience, secret })
}
