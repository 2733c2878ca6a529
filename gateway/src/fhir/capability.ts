import type { CapabilityStatement, CapabilityStatementRestResource } from 'fhir/r4.js'

const resource = (
  type: CapabilityStatementRestResource['type'],
  interactions: NonNullable<CapabilityStatementRestResource['interaction']>[number]['code'][],
  search: string[],
): CapabilityStatementRestResource => ({
  type,
  interaction: interactions.map((code) => ({ code })),
  searchParam: search.map((name) => ({ name, type: name === '_id' ? 'token' : 'reference' })),
})

/** What this gateway can do (FHIR R4, CapabilityStatement). `date` is an instant or a day. */
export const capabilityStatement = (title: string, date: string): CapabilityStatement => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  date,
  kind: 'instance',
  implementation: { description: `Medledger gateway of ${title}` },
  fhirVersion: '4.0.1',
  format: ['application/fhir+json'],
  rest: [
    {
      mode: 'server',
      security: {
        description: 'Bearer access tokens (RFC 9068). Every reading is recorded before it is answered.',
      },
      resource: [
        resource('Consent', ['create', 'update', 'search-type'], ['patient']),
        resource('DocumentReference', ['search-type'], ['patient']),
        resource('Bundle', ['read', 'search-type'], ['_id']),
        resource('AuditEvent', ['search-type'], ['patient']),
      ],
    },
  ],
})
