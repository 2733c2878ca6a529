import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bundle, encounter, idsIn, observation, splitOf } from './bundles.ts'

const atEncounter = (id: string): object => ({ encounter: { reference: `urn:uuid:${id}` } })

describe('what always holds', () => {
  const plans = fc.record({
    encounters: fc.integer({ min: 0, max: 5 }),
    // The encounter of each observation by its number; beyond the last one there is none.
    homes: fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 20 }),
    claims: fc.integer({ min: 0, max: 3 }),
  })
  const build = ({
    encounters,
    homes,
    claims,
  }: {
    encounters: number
    homes: number[]
    claims: number
  }): object =>
    bundle(
      ...homes.map((home, index) =>
        observation(`o${index}`, home < encounters ? atEncounter(`e${home}`) : {}),
      ),
      ...Array.from({ length: encounters }, (_, index) => encounter(`e${index}`)),
      ...Array.from({ length: claims }, (_, index) => ({
        resource: { resourceType: 'Claim', id: `c${index}` },
      })),
    )

  test('every clinical resource is in exactly one document', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const placed = idsIn(splitOf(build(plan)))
          .flat()
          .filter((id) => id !== undefined)
          .filter((id) => id.startsWith('o'))
        expect(placed.toSorted()).toEqual(plan.homes.map((_, index) => `o${index}`).toSorted())
      }),
    )
  })

  test('there are as many documents as encounters, and one summary if anything is left for it', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const result = splitOf(build(plan))
        expect(result.encounters).toBe(plan.encounters)
        expect(result.summary).toBe(plan.homes.some((home) => home >= plan.encounters))
        expect(result.documents).toHaveLength(plan.encounters + (result.summary ? 1 : 0))
        expect(new Set(result.documents.map(({ source }) => source)).size).toBe(result.documents.length)
      }),
    )
  })

  test('the same bundle gives the same bytes', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        expect(JSON.stringify(splitOf(build(plan)))).toBe(JSON.stringify(splitOf(build(plan))))
      }),
    )
  })

  test('what is left out is counted by type', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        expect(splitOf(build(plan)).leftOut).toEqual(plan.claims > 0 ? { Claim: plan.claims } : {})
      }),
    )
  })
})

describe('an encounter’s document', () => {
  test('begins with a Composition that names patient and encounter, then the patient, then the encounter', () => {
    const { documents } = splitOf(bundle(encounter('e1'), observation('o1', atEncounter('e1'))))
    const [document] = documents
    expect(document?.bundle.entry.map(({ resource }) => resource.resourceType)).toEqual([
      'Composition',
      'Patient',
      'Encounter',
      'Observation',
    ])
    expect(document?.bundle.entry[0]?.resource).toMatchObject({
      subject: { reference: 'urn:uuid:patient' },
      encounter: { reference: 'urn:uuid:e1' },
      section: [{ title: 'Observations', entry: [{ reference: 'urn:uuid:o1' }] }],
    })
    expect(document).toMatchObject({ date: '2024-05-06T07:08:09Z', type: { code: '34108-1' } })
  })

  test('says in words what an observation found, in its components too', () => {
    const quantity = (value: number): object => ({ valueQuantity: { value, unit: 'mm[Hg]' } })
    const pressure = observation('o1', {
      ...atEncounter('e1'),
      component: [
        { code: { text: 'Diastolic' }, ...quantity(82) },
        { code: { text: 'Systolic' }, ...quantity(107) },
      ],
    })
    const pulse = observation('o2', { ...atEncounter('e1'), ...quantity(71) })
    const [document] = splitOf(bundle(encounter('e1'), pressure, pulse)).documents
    const text = JSON.stringify(document?.bundle.entry[0]?.resource)
    expect(text).toContain('code of o1 Diastolic 82 mm[Hg], Systolic 107 mm[Hg] (2024-05-06)')
    expect(text).toContain('code of o2 71 mm[Hg] (2024-05-06)')
  })

  test.each([
    ['EMER', '34878-9'],
    ['IMP', '18842-5'],
    ['VR', '75496-0'],
    ['HH', '34133-9'],
    ['toString', '34133-9'],
  ])('of the class %s has the type %s', (code, type) => {
    expect(splitOf(bundle(encounter('e1', { class: { code } }))).documents[0]?.type.code).toBe(type)
  })

  test('has a label that says no more than the type, for it lies on the ledger', () => {
    const [document] = splitOf(bundle(encounter('e1', { type: [{ text: 'canary' }] }))).documents
    expect(document?.title).toBe('Outpatient Note')
    expect(JSON.stringify(document?.bundle)).toContain('canary')
  })

  test('takes along the medication, the practitioner and the organisation that its resources refer to, and no other', () => {
    const { documents, leftOut } = splitOf(
      bundle(
        encounter('e1'),
        observation('o1', { ...atEncounter('e1'), performer: [{ reference: 'PractitionerRole/r1' }] }),
        {
          resource: {
            resourceType: 'PractitionerRole',
            id: 'r1',
            organization: { reference: 'Organization/g1' },
          },
        },
        { resource: { resourceType: 'Organization', id: 'g1', name: 'Group' } },
        { resource: { resourceType: 'Organization', id: 'g2', name: 'Other' } },
      ),
    )
    const types = documents[0]?.bundle.entry.map(({ resource }) => resource.id)
    expect(types).toEqual([undefined, 'patient', 'e1', 'o1', 'r1', 'g1'])
    expect(leftOut).toEqual({ Organization: 1 })
  })

  test('turns a search for an identifier, which only a transaction may use, into a reference by it', () => {
    const reference = 'Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|99'
    const [document] = splitOf(
      bundle(encounter('e1', { participant: [{ individual: { reference, display: 'Dr X' } }] })),
    ).documents
    expect(document?.bundle.entry[2]?.resource['participant']).toEqual([
      {
        individual: {
          type: 'Practitioner',
          identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value: '99' },
          display: 'Dr X',
        },
      },
    ])
  })

  test('does not lose an encounter to another with the same identifier', () => {
    const same = { identifier: [{ system: 'urn:example', value: 'same' }] }
    const { documents } = splitOf(bundle(encounter('e1', same), encounter('e2', same)))
    expect(new Set(documents.map(({ source }) => source)).size).toBe(2)
  })

  test('without a date has that of its earliest resource', () => {
    const [document] = splitOf(
      bundle(
        encounter('e1', { period: undefined }),
        observation('o1', { ...atEncounter('e1'), effectiveDateTime: '2024-02-03' }),
        observation('o2', { ...atEncounter('e1'), effectiveDateTime: '2024-01-02' }),
      ),
    ).documents
    expect(document?.date).toBe('2024-01-02')
    expect(document?.bundle['timestamp']).toBe('2024-01-02T00:00:00Z')
  })

  test('without any date is refused', () => {
    expect(() => splitOf(bundle(encounter('e1', { period: undefined })))).toThrow(/without a date/)
  })
})

describe('the security labels of a bundle', () => {
  const psy = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }

  test('as a whole are on each of its documents, those of a resource on it wherever it goes', () => {
    const given = bundle(
      encounter('e1'),
      observation('o1', { ...atEncounter('e1'), meta: { security: [psy] } }),
      observation('o2'),
    )
    const labelled = { ...given, meta: { security: [{ ...psy, code: 'HIV' }] } }
    const { documents } = splitOf(labelled)
    expect(documents).toHaveLength(2)
    for (const document of documents)
      expect(document.bundle['meta']).toEqual({ security: [{ ...psy, code: 'HIV' }] })
    expect(JSON.stringify(documents[0]?.bundle.entry)).toContain('"PSY"')
    expect(splitOf(given).documents[0]?.bundle).not.toHaveProperty('meta')
  })
})

describe('a resource finds its document', () => {
  test.each([
    ['encounter', { encounter: { reference: 'Encounter/e1' } }],
    ['context, as medications say', { context: { reference: 'urn:uuid:e1' } }],
    ['context.encounter, as notes say', { context: { encounter: [{ reference: 'urn:uuid:e1' }] } }],
  ])('by %s', (_how, members) => {
    expect(idsIn(splitOf(bundle(encounter('e1'), observation('o1', members))))).toEqual([['e1', 'o1']])
  })

  test('in the summary when its encounter is not in the bundle', () => {
    const result = splitOf(bundle(observation('o1', atEncounter('elsewhere'))))
    expect(result).toMatchObject({ encounters: 0, summary: true })
  })

  test('nowhere when it is not the patient’s', () => {
    const result = splitOf(
      bundle(
        observation('o1', { subject: { reference: 'Group/1' } }),
        observation('o2', { subject: undefined }),
      ),
    )
    expect(result).toMatchObject({ documents: [], leftOut: { Observation: 2 } })
  })
})
