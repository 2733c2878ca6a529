import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, sep } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { portsOf, type Topology } from '../../../scripts/network/topology.ts'
import { encodings, occurrences, placesBelow, scan, type Place, type Scan } from '../../support/canary.ts'
import { consentOf, newPatient, onceKnown, person, type TestPatient } from '../../support/clinic.ts'
import { startInstance, type RunningInstance } from '../../support/instance.ts'
import { addressOf, openNetwork, type Answer, type Network } from '../../support/network.ts'
import { testPort } from '../../support/ports.ts'

const firstPort = testPort(420)
const count = 40
/** In clinical content, and in whatever a stranger sends: nowhere in clear. */
const content = 'Kanarienvogel7q'
/** In what the members of a placement know (title, directive, subject): in their private data, and there alone. */
const described = 'Zaunkoenig9x'
const custodians = ['north', 'south'] as const

interface Subject {
  readonly patient: TestPatient
  readonly mark: string
  readonly documents: readonly string[]
}

let data: string
let instance: RunningInstance
let network: Network
/** Answers other than those that give a person what is hers. */
const refusals: Place[] = []
const subjects: Subject[] = []

const keep = (answer: Answer): Answer => {
  const headers = JSON.stringify([...answer.headers])
  refusals.push({ name: 'error answers', bytes: Buffer.from(`${headers}\n${answer.text}`) })
  return answer
}

function bundleOf(mark: string): object {
  const subject = {
    resourceType: 'Patient',
    name: [{ family: mark, given: [`${mark}-given`] }],
    identifier: [{ system: 'urn:oid:1.2.3', value: `${mark}-identifier` }],
    telecom: [{ system: 'email', value: `${mark}@example.org` }],
  }
  const composition = { resourceType: 'Composition', title: `${mark}-title`, section: [{ text: mark }] }
  return {
    resourceType: 'Bundle',
    type: 'document',
    entry: [{ resource: composition }, { resource: subject }],
  }
}

async function deposit(patient: string, number: number): Promise<string[]> {
  const custodian = custodians[number % custodians.length] ?? 'north'
  const mark = `${content}${number}`
  const one = (part: string) => ({
    source: `${mark}/${part}`,
    type: { system: 'http://loinc.org', code: '11502-2', display: `${described}${number}` },
    title: `${described}${number} ${part}`,
    date: '2026-05-04',
    bundle: bundleOf(mark),
  })
  const answer = await onceKnown(() =>
    network.ask(`records.${custodian}`, '/v1/documents', {
      body: JSON.stringify({ patient, documents: [one('a'), one('b')] }),
      headers: { 'content-type': 'application/json' },
    }),
  )
  expect(answer.status, answer.text).toBe(200)
  return (answer.body.documents as { id: string }[]).map(({ id }) => id)
}

async function admit(number: number): Promise<void> {
  const patient = await newPatient(network, () => `${described}${number}`)
  const documents = await deposit(patient.handle, number)
  subjects.push({ patient, mark: `${content}${number}`, documents })
}

/** What somebody can do wrong, with a marker in every place where one fits. */
async function misuse({ patient, mark, documents }: Subject): Promise<void> {
  const doctor = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    network.ask('dr.chen', path, { headers: { 'user-agent': mark, cookie: `a=${mark}`, ...headers } })
  const claims = Buffer.from(JSON.stringify({ iss: mark, sub: mark })).toString('base64url')
  const post = (path: string, body: string): Promise<Answer> =>
    network.ask('records.north', path, { body, headers: { 'content-type': 'application/json' } })
  const answers = await Promise.all([
    doctor(`/fhir/Bundle/${documents[0]}`),
    doctor(`/fhir/Bundle/${mark}`),
    doctor(`/fhir/Bundle?_id=${mark},${documents[0]}`),
    doctor(`/fhir/DocumentReference?patient=${encodeURIComponent(mark)}`),
    doctor(`/${mark}?${mark}=${mark}`),
    doctor(`/fhir/Bundle/${documents[0]}`, { 'x-purpose-of-use': mark }),
    doctor(`/fhir/Bundle/${documents[0]}`, {
      'x-request-id': mark,
      authorization: `Bearer ${claims}.${claims}.${mark}`,
    }),
    doctor(`/v1/requests/access-north/${mark}`),
    post('/v1/documents', `{"${mark}":"${mark}"`),
    post('/v1/documents', `{"patient":"${mark}","documents":[{"source":"${mark}"}]}`),
    post('/v1/patients', `{"patient":"${randomId()}","issuer":"${mark}","subject":"${mark}"}`),
    patient.ask('/fhir/Consent', {
      body: consentOf(patient.handle, { type: 'permit', [mark]: mark, code: [{ text: mark }] }),
    }),
    patient.ask(`/fhir/Consent/${mark}`, {
      method: 'PUT',
      body: { ...consentOf(patient.handle, {}), status: mark },
    }),
  ])
  for (const answer of answers) expect(answer.status, answer.text).toBeGreaterThanOrEqual(400)
  answers.forEach(keep)
}

async function use({ patient, mark, documents }: Subject): Promise<void> {
  const [document = ''] = documents
  const provision = { type: 'permit', actor: [person(network.person('dr.chen').handle)] }
  const granted = await patient.grant(provision)
  expect(granted.status, granted.text).toBe(201)
  const read = await network.ask('dr.chen', `/fhir/Bundle/${document}`)
  expect(read.status).toBe(200)
  expect(read.text, 'the marker really is in the system').toContain(`${mark}@example.org`)
  const listed = await network.ask('dr.chen', `/fhir/DocumentReference?patient=${patient.handle}`)
  expect(listed.text).toContain(described)
}

const inTurns = async (width: number, act: (number: number) => Promise<void>): Promise<void> => {
  const numbers = Array.from({ length: count }, (_, index) => index)
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = numbers.shift(); next !== undefined; next = numbers.shift()) await act(next)
    }),
  )
}

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'medledger-canary-'))
  instance = await startInstance(data, ['--port', String(firstPort), '--no-demo'])
  network = await openNetwork(addressOf(data))
})
afterAll(async () => {
  await instance.interrupt()
  await rm(data, { recursive: true, force: true })
})

/** A kind of place for each file of the instance. */
function placeOf(path: string): string {
  const name = basename(path)
  if (path.includes(`${sep}logs${sep}`)) return 'logs of all processes'
  if (path.includes(`${sep}ledger${sep}`)) {
    // A peer's database has them beside its state.
    if (/^(ledger\.sqlite|transient)/.test(name)) return "peers' private data *"
    return /block/.test(name) ? 'blocks of peers and orderer' : "peers' other files"
  }
  if (name.startsWith('gateway.sqlite')) return "gateways' databases **"
  // What the own peer holds.
  if (name.startsWith('projection.sqlite')) return "gateways' projections *"
  return name.startsWith('keys.sqlite') ? "gateways' key databases" : 'other files of the instance'
}

async function shownByGateways(): Promise<Place[]> {
  const { topology } = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as {
    readonly topology: Topology
  }
  const places = Object.entries(network.gateways).flatMap(([organisation, url]) => [
    ['/metrics', `http://127.0.0.1:${portsOf(topology, organisation).metrics}/metrics`] as const,
    ['/openapi.json and /docs', `${url}/openapi.json`] as const,
    ['/openapi.json and /docs', `${url}/docs`] as const,
    ['/readyz and /fhir/metadata', `${url}/readyz`] as const,
    ['/readyz and /fhir/metadata', `${url}/fhir/metadata`] as const,
  ])
  return Promise.all(
    places.map(async ([name, url]) => {
      const response = await fetch(url)
      expect(response.status, url).toBe(200)
      return { name, bytes: Buffer.from(await response.arrayBuffer()) }
    }),
  )
}

const tableOf = (rows: readonly Scan[]): string =>
  rows
    .map(
      ({ place, parts, bytes, found: [inContent, inDescription] }) =>
        `  ${place.padEnd(30)} ${String(parts).padStart(5)} parts ${String(bytes).padStart(10)} bytes  ` +
        `content ${inContent}  described ${inDescription}`,
    )
    .join('\n')

describe('what a person sends', () => {
  test('is kept for her and shown to nobody else: 40 patients, scanned for in every encoding', async () => {
    await inTurns(4, admit)
    await inTurns(4, async (number) => misuse(subjects[number] as Subject))
    await inTurns(4, async (number) => use(subjects[number] as Subject))
    const own = { name: 'output of the instance', bytes: Buffer.from(instance.output()) }
    const places = [...placesBelow(data, placeOf), ...(await shownByGateways()), ...refusals, own]
    const rows = scan(places, [content, described])
    process.stdout.write(
      `canary scan: ${count} patients, ${encodings.length} encodings\n${tableOf(rows)}\n` +
        '  *  members hold descriptors, directives and registrations in clear, and nothing of the content\n' +
        '  ** what the ledger is told of a document is kept in clear, its content is encrypted\n',
    )
    for (const { place, found } of rows) {
      const [inContent, inDescription] = found
      expect(inContent, `${place}: content`).toBe(0)
      if (!place.endsWith('*')) expect(inDescription, `${place}: descriptions`).toBe(0)
    }
    const of = (place: string): Scan | undefined => rows.find((row) => row.place === place)
    expect(of("peers' private data *")?.found[1], 'the scan reads what is there').toBeGreaterThan(count)
    for (const place of ['blocks of peers and orderer', 'logs of all processes', 'error answers', '/metrics'])
      expect(of(place)?.bytes, place).toBeGreaterThan(10_000)
  })
})

describe('the scanner', () => {
  test.each(encodings.map(({ name, encode }) => [name, encode] as const))(
    'finds a marker that is written as %s, whatever stands around it',
    (name, encode) => {
      for (const before of ['', 'x', 'xy', 'xyz'])
        for (const text of [content, described]) {
          const bytes = Buffer.concat([Buffer.from(before), encode(text), Buffer.from('tail')])
          expect(occurrences(bytes, text).get(name)).toBe(1)
        }
    },
  )

  test.each([0, 1, 2, 3, 4, 5])('finds a marker inside longer base64 text at byte %i', (before) => {
    const text = Buffer.from(`${'a'.repeat(before)}${content}${'b'.repeat(7)}`)
    expect(occurrences(Buffer.from(text.toString('base64')), content).size).toBeGreaterThan(0)
    expect(occurrences(Buffer.from(text.toString('base64url')), content).size).toBeGreaterThan(0)
  })

  test('finds nothing where there is nothing', () => {
    expect(occurrences(Buffer.from('Kanarie nvogel7q kanarienvogel7q'), content).size).toBe(0)
  })
})
