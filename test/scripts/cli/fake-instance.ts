import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnsecuredJWT } from 'jose'
import { randomId } from 'medledger-chaincode/api'
import {
  inventPeople,
  readPeople,
  subjectOf,
  writePeople,
  type DevelopmentPerson,
} from '../../../scripts/development/index.ts'
import { run } from '../../../scripts/cli/run.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'
import { serveControl, type PartStatus } from '../../../scripts/start/control.ts'
import { writeInstance } from '../../../scripts/start/instance.ts'
import { pathsIn } from '../../../scripts/start/paths.ts'

export interface Asked {
  readonly route: string
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

export interface Reply {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * An instance whose gateways are one fake: it answers as the test says and keeps what it was asked. The same fake is the
 * identity provider, for whoever shows the instance's secret.
 */
export interface FakeInstance {
  readonly data: string
  readonly people: readonly DevelopmentPerson[]
  readonly asked: Asked[]
  answer: (asked: Asked) => Reply
  /** What its supervisor says of its parts. */
  parts: PartStatus[]
  medledger(...words: string[]): Promise<Finished>
  /** Nothing listens at the gateways' addresses any more. */
  closeGateways(): Promise<void>
  close(): Promise<void>
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return Object.fromEntries(new URLSearchParams(text))
  return text === '' ? undefined : JSON.parse(text)
}

/** What the development grant answers: claims without a signature, since nobody here verifies one. */
async function tokenFor(peopleFile: string, form: unknown): Promise<Reply> {
  const { secret, user, resource = '' } = form as Record<string, string>
  const person = (await readPeople(peopleFile))?.find((candidate) => candidate.user === user)
  if (secret !== 'secret' || person === undefined) return { status: 400, body: { error: 'access_denied' } }
  const token = new UnsecuredJWT({ roles: [person.role] }).setSubject(subjectOf(person)).setAudience(resource)
  return { status: 200, body: { access_token: token.encode() } }
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })

/** Runs one command line in this process. */
export async function runCommand(...words: string[]): Promise<Finished> {
  const written = { stdout: '', stderr: '' }
  const code = await run(words, {
    out: (text) => void (written.stdout += text),
    err: (text) => void (written.stderr += text),
    isTerminal: false,
  })
  return { code, ...written }
}

export async function fakeInstance(): Promise<FakeInstance> {
  const data = await mkdtemp(join(tmpdir(), 'medledger-cli-'))
  const paths = pathsIn(data)
  const demo = demoTopology()
  const people = inventPeople(demo.constitution, randomId)
  await mkdir(join(data, 'issuers'))
  await writePeople(paths.people, people)
  await writeFile(paths.developmentSecret, 'secret\n')
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const one = {
        route: `${request.method} ${request.url}`,
        headers: request.headers,
        body: await readBody(request),
      }
      const isToken = one.route === 'POST /token'
      if (!isToken) asked.push(one)
      const { status, body, headers } = isToken
        ? await tokenFor(paths.people, one.body)
        : instance.answer(one)
      response.writeHead(status, headers)
      response.end(body === undefined ? '' : JSON.stringify(body))
    })()
  })
  const url = `http://127.0.0.1:${await listen(server)}`
  const issuers = demo.constitution.issuers.map((issuer) => ({ ...issuer, issuer: url }))
  const constitution = { ...demo.constitution, issuers }
  const topology = { ...demo, constitution }
  const gateways = constitution.organisations.map(({ name }) => ({ organisation: name, url }))
  await writeInstance(paths, {
    network: 'embedded',
    pid: process.pid,
    control: paths.control,
    topology,
    gateways,
    parts: [],
  })
  const nothing = async (): Promise<void> => {}
  const control = await serveControl(paths.control, {
    stopAll: () => {},
    stopPart: nothing,
    startPart: nothing,
    status: () => instance.parts,
  })
  const closeGateways = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  }
  const instance: FakeInstance = {
    data,
    people,
    asked,
    answer: () => ({ status: 500 }),
    parts: [{ part: 'orderer', running: true }],
    medledger: (...words) => runCommand(...words, '--data', data),
    closeGateways,
    async close() {
      await closeGateways()
      await control.close()
      await rm(data, { recursive: true, force: true })
    },
  }
  return instance
}

export const outcome = (code: string, diagnostics: string, severity = 'error'): object => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity, details: { coding: [{ code }] }, diagnostics }],
})

export const searchset = (...resources: object[]): object => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry: [
    ...resources.map((resource) => ({ resource, search: { mode: 'match' } })),
    { resource: outcome('X', 'This may not be all.', 'information'), search: { mode: 'outcome' } },
  ],
})
