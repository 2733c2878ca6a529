import { randomBytes } from 'node:crypto'
import { randomId } from 'medledger-chaincode/api'
import { newRegistration, type BenchInstance } from './instance.ts'

/** A patient whose documents South's doctor may read, because she has allowed it. */
export interface BenchPatient {
  readonly handle: string
  /** Documents at North. */
  readonly documents: readonly string[]
}

const setUpInFlight = 20
const mostTries = 5

/** On a busy machine the network may refuse; what is made another time is another patient. */
async function tryAgain<Value>(make: () => Promise<Value>): Promise<Value> {
  for (let count = 1; ; count += 1) {
    try {
      return await make()
    } catch (error) {
      if (count === mostTries) throw error
    }
  }
}

/** Calls `make` so many times, with some of the calls under way at once. */
async function many<Value>(count: number, make: () => Promise<Value>): Promise<Value[]> {
  const made: Value[] = []
  let begun = 0
  const work = async (): Promise<void> => {
    while (begun < count) {
      begun += 1
      made.push(await tryAgain(make))
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, setUpInFlight) }, work))
  return made
}

async function newConsentingPatient(instance: BenchInstance): Promise<string> {
  const registration = newRegistration(instance)
  const { client } = instance.ledger('authority')
  await client.submit('RegisterPatient', registration, { token: instance.token('operator.authority') })
  const patient = registration.patient
  await client.submit(
    'GrantConsent',
    { custodian: 'north', patient, consent: randomId(), directive: permitSouth(patient) },
    { token: instance.patientToken(patient, 'authority') },
  )
  return patient
}

const codings = (system: string, code: string): object => ({ coding: [{ system, code }] })

/** The Consent of a patient who lets South's people read everything. */
export const permitSouth = (patient: string): Record<string, unknown> => ({
  resourceType: 'Consent',
  status: 'active',
  scope: codings('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
  category: [codings('http://loinc.org', '59284-0')],
  patient: { reference: `Patient/${patient}` },
  provision: {
    type: 'permit',
    actor: [
      {
        role: codings('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'IRCP'),
        reference: { reference: 'Organization/south' },
      },
    ],
  },
})

/** A FHIR document Bundle of about two kilobytes. */
export const documentBundle = (): object => ({
  resourceType: 'Bundle',
  type: 'document',
  entry: [
    { resource: { resourceType: 'Composition', title: 'An invented finding of no importance. '.repeat(50) } },
  ],
})

/** Patients with one document each that the ledger knows and no vault holds. */
export const registerPatients = (instance: BenchInstance, count: number): Promise<BenchPatient[]> =>
  many(count, async () => {
    const patient = await newConsentingPatient(instance)
    const document = `north-${randomId()}`
    const registration = {
      document,
      version: 1,
      type: { system: 'http://loinc.org', code: '11502-2' },
      date: '2026-05-04',
      digest: randomBytes(32).toString('hex'),
    }
    const fields = { custodian: 'north', patient, documents: [registration] }
    const token = instance.token('records.north')
    await instance.ledger('north').client.submit('RegisterDocuments', fields, { token })
    return { handle: patient, documents: [document] }
  })

/** Patients with real documents, of about two kilobytes each, in North's vault. */
export const depositPatients = (
  instance: BenchInstance,
  count: number,
  documentsEach: number,
): Promise<BenchPatient[]> =>
  many(count, async () => {
    const patient = await newConsentingPatient(instance)
    const documents = Array.from({ length: documentsEach }, () => ({
      source: randomId(),
      type: { system: 'http://loinc.org', code: '11502-2' },
      date: '2026-05-04',
      bundle: documentBundle(),
    }))
    const response = await fetch(`${instance.gateways['north']}/v1/documents`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${instance.token('records.north')}`,
      },
      body: JSON.stringify({ patient, documents }),
    })
    if (response.status !== 200) throw new Error(`documents were not taken: ${await response.text()}`)
    const answer = (await response.json()) as { readonly documents: readonly { readonly id: string }[] }
    return { handle: patient, documents: answer.documents.map(({ id }) => id) }
  })

/** Gives the items in turn, for ever. */
export function inTurn<Item>(items: readonly Item[]): () => Item {
  let next = 0
  return () => {
    const item = items[next % items.length]
    next += 1
    if (item === undefined) throw new RangeError('there is nothing to take turns')
    return item
  }
}
