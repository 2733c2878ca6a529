import { expect, test } from 'vitest'
import { mustBeResolved } from 'medledger-chaincode/core'

test('groups, care teams and roles of practitioners must be resolved, and nobody else', () => {
  for (const type of ['Group', 'CareTeam', 'PractitionerRole']) expect(mustBeResolved(`${type}/x`)).toBe(true)
  for (const name of [
    'Practitioner/x',
    'Organization/Group',
    'RelatedPerson/x',
    'Group',
    'urn:Group/x',
    'MyGroup/x',
    'Groups/x',
  ])
    expect(mustBeResolved(name)).toBe(false)
})
