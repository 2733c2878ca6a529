import type { Consent } from 'fhir/r4.js'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { consentCollection, Id, MedledgerError, placementOf } from 'medledger-chaincode/api'
import { toDirective, utc } from 'medledger-chaincode/core'
import { Type, type Static } from 'typebox'
import { bearerOf } from '../authenticate.ts'
import { isSpoken } from '../error.ts'
import { changedConsentExample, consentExample, exampleConsent } from '../fhir/examples.ts'
import { ChangedConsent } from '../fhir/schemas.ts'
import { custodiansOf, toPlacementExtension, type PlacementResult } from '../fhir/consent.ts'
import { idOf, submitOptionsOf } from '../idempotency.ts'
import { Unsettled, type Receipt } from '../ledger/index.ts'
import { entryHeader, locationHeader, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import { handleOf } from './reading.ts'

const ConsentBody = Type.Object({
  resourceType: Type.Literal('Consent'),
  status: Type.String(),
  patient: Type.Object({ reference: Type.String({ pattern: '^Patient/[0-9a-f]{32}$' }) }),
  organization: Type.Optional(Type.Array(Type.Object({ reference: Type.String() }), { maxItems: 50 })),
})
type ConsentBody = Static<typeof ConsentBody>
const ConsentParams = Type.Object({ id: Id })

const incomplete = {
  description: 'Some placement has not taken the change: the extension says which, and where to ask.',
  schema: ChangedConsent,
  example: changedConsentExample,
  headers: entryHeader,
} as const
const errors = ['OUTCOME_UNKNOWN', 'NOT_FOUND'] as const

const describeGrant: Description = {
  summary: 'Grant or deny',
  description:
    'As the patient, in every placement that `organization` names, or in all. What cannot be applied entirely is refused.',
  tag: 'Consent',
  body: consentExample,
  answers: {
    201: {
      description: 'On the ledger in every placement.',
      schema: ChangedConsent,
      example: changedConsentExample,
      headers: { ...entryHeader, ...locationHeader },
    },
    202: incomplete,
  },
  errors,
}

const describeRevoke: Description = {
  summary: 'Revoke',
  description:
    'With status `inactive`, in every placement, whatever `organization` says: a list that was read while a custodian was away lacks it. Nothing else of a Consent can be changed: grant a new one.',
  tag: 'Consent',
  parameters: { id: exampleConsent },
  body: { ...consentExample, id: exampleConsent, status: 'inactive' },
  answers: {
    200: {
      description: 'Revoked in every placement that had it.',
      schema: ChangedConsent,
      example: { ...changedConsentExample, status: 'inactive' },
      headers: entryHeader,
    },
    202: incomplete,
  },
  errors,
}

/** `POST` and `PUT /fhir/Consent`: a patient grants and revokes. */
export function consentRoutes(app: FastifyInstance, services: Services): void {
  app.post<{ Body: ConsentBody }>(
    '/fhir/Consent',
    { schema: { body: ConsentBody }, config: { roles: ['patient'], describe: describeGrant } },
    async (request, reply) => {
      const consent = idOf(request, 'consent')
      const { extension: _ours, ...directive } = { ...(request.body as unknown as Consent), id: consent }
      const mapped = toDirective(consent, { ...directive }, services.constitution.timeZone ?? utc)
      if (mapped.kind === 'faults') {
        throw new MedledgerError(
          'INVALID_REQUEST',
          `The Consent cannot be applied: ${mapped.faults.join('; ')}.`,
        )
      }
      const fields = { patient: handleOf(request.body.patient.reference), consent }
      const change = (custodian: string): Promise<Receipt> =>
        services.client.submit(
          'GrantConsent',
          { custodian, ...fields, directive: { ...directive } },
          submitOptionsOf(request, 'GrantConsent', custodian),
        )
      const results = await everywhere(services, placementsFor(services, request.body), change)
      reply.header('location', `/fhir/Consent/${consent}`)
      return answer(reply, directive, results, 201)
    },
  )

  app.put<{ Body: ConsentBody; Params: { id: string } }>(
    '/fhir/Consent/:id',
    {
      schema: { body: ConsentBody, params: ConsentParams },
      config: { roles: ['patient'], describe: describeRevoke },
    },
    async (request, reply) => {
      const { claims } = bearerOf(request)
      if (!['inactive', 'entered-in-error'].includes(request.body.status)) {
        throw new MedledgerError(
          'INVALID_REQUEST',
          'A consent can only be made inactive; grant a new one to change it.',
        )
      }
      const fields = { patient: handleOf(request.body.patient.reference), consent: request.params.id }
      const change = async (custodian: string): Promise<Receipt> => {
        const of = { collection: consentCollection(custodian), name: 'GrantConsent' } as const
        // Looked at first: what is undecided now may be committed after a placement has said that it has no such consent.
        const [grant] = await services.settlement.undecided(of, claims)
        const options = submitOptionsOf(request, 'RevokeConsent', custodian)
        return services.client
          .submit('RevokeConsent', { custodian, ...fields }, options)
          .catch((error: unknown) => {
            const isAbsent = error instanceof MedledgerError && error.code === 'NOT_FOUND'
            throw isAbsent && grant !== undefined ? new GrantUndecided(grant) : error
          })
      }
      const results = await everywhere(services, placementsFor(services), change, ['NOT_FOUND'])
      const { extension: _ours, ...resource } = {
        ...(request.body as unknown as Consent),
        id: request.params.id,
      }
      return answer(reply, resource, results, 200)
    },
  )
}

/** A grant of hers may still be committed after the revocation: she has to repeat it when that is decided. */
class GrantUndecided extends MedledgerError {
  readonly statusPath: string

  constructor({ collection, request }: { readonly collection: string; readonly request: string }) {
    super('OUTCOME_UNKNOWN', 'A grant is not decided yet: revoke again when it is, in a few seconds.')
    this.name = 'GrantUndecided'
    this.statusPath = `/v1/requests/${collection}/${request}`
  }
}

const isUndecided = (reason: unknown): reason is Unsettled | GrantUndecided =>
  reason instanceof Unsettled || reason instanceof GrantUndecided

/** The placements that a Consent names, or all of them. Errors: INVALID_REQUEST for an unknown custodian. */
function placementsFor({ constitution }: Services, body?: ConsentBody): string[] {
  const named = (body && custodiansOf(body)) ?? constitution.placements.map(({ custodian }) => custodian)
  return [...new Set(named)].map((custodian) => placementOf(constitution, custodian).custodian)
}

/**
 * Makes one decision of the patient in each placement that it covers. One that does not answer keeps no other from
 * taking it; when none takes it and no outcome is unknown, the first error is thrown. Results with a code of `without` are
 * left out.
 */
async function everywhere(
  { log }: Services,
  custodians: readonly string[],
  change: (custodian: string) => Promise<Receipt>,
  without: readonly string[] = [],
): Promise<PlacementResult[]> {
  const settled = await Promise.allSettled(custodians.map(change))
  const reasons = settled.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  if (reasons.length === settled.length && !reasons.some(isUndecided)) {
    // What is unavailable somewhere matters more than that another placement does not have it.
    throw reasons.find((reason) => !(isSpoken(reason) && without.includes(reason.code))) ?? reasons[0]
  }
  return settled.flatMap((result, index): PlacementResult[] => {
    const custodian = custodians[index] ?? ''
    if (result.status === 'fulfilled') return [{ custodian, entry: result.value.entry }]
    const reason: unknown = result.reason
    if (!isSpoken(reason)) log.fault('consent', reason, { custodian })
    const error = isSpoken(reason) ? reason.code : 'INTERNAL'
    const statusPath = isUndecided(reason) ? reason.statusPath : undefined
    return without.includes(error) ? [] : [{ custodian, error, statusPath }]
  })
}

/** 202 when a placement has not taken the change: it must be repeated there, and the answer says where. */
function answer(
  reply: FastifyReply,
  consent: Consent,
  results: readonly PlacementResult[],
  status: number,
): FastifyReply {
  const entries = results.flatMap((result) => ('entry' in result ? [result.entry] : []))
  reply.header('x-medledger-entry', entries.join(', '))
  return reply
    .status(entries.length < results.length ? 202 : status)
    .type('application/fhir+json')
    .send({ ...consent, extension: results.map(toPlacementExtension) })
}
