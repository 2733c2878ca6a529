import { describe, expect, test } from 'vitest'
import { BadInput, parseBundle, patientNames } from '../../../scripts/import/index.ts'
import { bundle, bytesOf, observation, patient } from './bundles.ts'

const refusal = (bytes: Uint8Array): string => {
  try {
    parseBundle(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(BadInput)
    return (error as Error).message
  }
  throw new Error('the bundle was taken')
}

describe('a file that is no bundle of one patient is refused in one line without its content', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['no JSON', Buffer.from('canary {'), /not JSON/],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
    [
      'a member twice',
      Buffer.from('{"resourceType":"Bundle",\n"resourceType":"canary"}'),
      /twice, at line 2/,
    ],
    ['a member twice, once escaped', Buffer.from('{"a":"canary","\\u0061":1}'), /twice/],
    ['no Bundle', bytesOf({ resourceType: 'Patient', id: 'canary' }), /not a FHIR Bundle/],
    ['a list', bytesOf(['canary']), /not a FHIR Bundle/],
    ['a document', bytesOf({ ...bundle(), type: 'document' }), /transaction or collection/],
    ['no patient', bytesOf({ resourceType: 'Bundle', type: 'collection' }), /no Patient/],
    ['two patients', bytesOf(bundle({ ...patient, fullUrl: 'urn:uuid:canary' })), /2 Patients/],
    ['an entry without a resource', bytesOf(bundle({ fullUrl: 'canary' })), /Entry 2/],
    ['a URL twice', bytesOf(bundle(observation('canary'), observation('canary'))), /same fullUrl/],
  ])('%s', (_what, bytes, expected) => {
    const message = refusal(bytes)
    expect(message).toMatch(expected)
    expect(message).not.toContain('canary')
    expect(message).not.toContain('\n')
  })

  test('nesting without end', () => {
    const depth = 200_000
    expect(refusal(Buffer.from('['.repeat(depth) + ']'.repeat(depth)))).toMatch(
      /nested too deeply|not JSON|not a FHIR/,
    )
  })
})

test('a byte order mark is no fault', () => {
  expect(
    parseBundle(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytesOf(bundle())])).resources,
  ).toHaveLength(1)
})

test('a name may stand in different objects', () => {
  expect(() => parseBundle(bytesOf(bundle(observation('o1'), observation('o2'))))).not.toThrow()
})

describe('the patient', () => {
  test('has the official name', () => {
    expect(patientNames(parseBundle(bytesOf(bundle())))).toMatchObject({ given: 'Ánna', family: 'O’Brien' })
  })

  test('is recognised by the identifier, whatever else has changed', () => {
    const renamed = { ...patient, resource: { ...patient.resource, id: 'other', name: [] } }
    const value = { resourceType: 'Bundle', type: 'collection', entry: [renamed] }
    const [one, other] = [bundle(), value].map((each) => patientNames(parseBundle(bytesOf(each))))
    expect(one?.source).toBe(other?.source)
    expect(other).toMatchObject({ given: '', family: '' })
  })
})
