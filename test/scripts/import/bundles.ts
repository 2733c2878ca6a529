import { parseBundle, split, type SplitResult } from '../../../scripts/import/index.ts'

export const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

export const patient = {
  fullUrl: 'urn:uuid:patient',
  resource: {
    resourceType: 'Patient',
    id: 'patient',
    identifier: [{ system: 'urn:example', value: '17' }],
    name: [{ use: 'official', given: ['Ánna'], family: 'O’Brien' }],
  },
}

export const encounter = (id: string, members: object = {}): object => ({
  fullUrl: `urn:uuid:${id}`,
  resource: {
    resourceType: 'Encounter',
    id,
    identifier: [{ system: 'urn:example', value: id }],
    subject: { reference: 'urn:uuid:patient' },
    class: { code: 'AMB' },
    period: { start: '2024-05-06T07:08:09Z' },
    ...members,
  },
})

export const observation = (id: string, members: object = {}): object => ({
  fullUrl: `urn:uuid:${id}`,
  resource: {
    resourceType: 'Observation',
    id,
    subject: { reference: 'urn:uuid:patient' },
    effectiveDateTime: '2024-05-06',
    code: { text: `code of ${id}` },
    ...members,
  },
})

export const bundle = (...entry: object[]): object => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: [patient, ...entry],
})

export const splitOf = (value: unknown): SplitResult => split(parseBundle(bytesOf(value)))

/** Where each clinical resource went: the ids in each document, without Composition and Patient. */
export const idsIn = ({ documents }: SplitResult): (string | undefined)[][] =>
  documents.map(({ bundle }) =>
    bundle.entry
      .filter(({ resource }) => !['Composition', 'Patient'].includes(resource.resourceType))
      .map(({ resource }) => resource.id),
  )
