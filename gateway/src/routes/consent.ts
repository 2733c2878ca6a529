import type { Consent } from 'fhir/r4.js'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Id, MedledgerError, placementOf } from 'medledger-chaincode/api'
import { utc } from 'medledger-chaincode/core'
import { Type } from 'typebox'
import { isSpoken } from '../error.ts'
import { ConsentBody, RevokedConsentBody } from '../fhir/consent-shape.ts'
import { changedConsentExample, consentExample, consentExamples, exampleConsent } from '../fhir/examples.ts'
import { ChangedConsent } from '../fhir/schemas.ts'
import { custodiansOf, toPlacementExtension, type PlacementResult } from '../fhir/consent.ts'
import { idOf, submitOptionsOf } from '../idempotency.ts'
import { Unsettled, type Receipt, type SubmitOptions } from '../ledger/index.ts'
import { entryHeader, locationHeader, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import {
  patientOf,
  requireGrantable,
  requireRevocable,
  toR4,
  toRevokedR4,
  withoutOurs,
} from './consent-body.ts'

const ConsentParams = Type.Object({ id: Id })

const incomplete = {
  description: 'Some placement has not taken the change: the extension says which, and where to ask.',
  schema: ChangedConsent,
  example: changedConsentExample,
  headers: entryHeader,
} as const
const describeGrant: Description = {
  summary: 'Grant or deny',
  description:
    'As the patient, in FHIR R4 or R5, in every placement that `organization` (R5: `controller`, else `manager`) names, or in all. ' +
    'What cannot be applied entirely is refused, with an issue for each fault. A Consent without a rule of its own chooses the default ' +
    'policy, by `policyRule` (R5: `regulatoryBasis`): deny, basic-normal, all-normal or break-glass-only. The answer is R4. ' +
    'A repeat (`Idempotency-Key`) after a revocation answers with status `inactive`.',
  tag: 'Consent',
  bodies: consentExamples,
  answers: {
    201: {
      description: 'On the ledger in every placement.',
      schema: ChangedConsent,
      example: changedConsentExample,
      headers: { ...entryHeader, ...locationHeader },
    },
    202: incomplete,
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND', 'CONFLICT', 'LIMIT_EXCEEDED'],
}

const describeRevoke: Description = {
  summary: 'Revoke',
  description:
    'With status `inactive`, in every placement, whatever `organization` says: a list that was read while a custodian was away lacks it. ' +
    'A placement that does not have it takes the revocation too, and refuses a grant of it that comes later; so an id that nobody knows is answered alike. ' +
    'Nothing else of a Consent can be changed: grant a new one. A Consent of R5 is answered in R4.',
  tag: 'Consent',
  parameters: { id: exampleConsent },
  body: { ...consentExample, id: exampleConsent, status: 'inactive' },
  answers: {
    200: {
      description: 'Revoked in every placement, for good.',
      schema: ChangedConsent,
      example: { ...changedConsentExample, status: 'inactive' },
      headers: entryHeader,
    },
    202: incomplete,
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND'],
}

/** `POST` and `PUT /fhir/Consent`: a patient grants and revokes, in FHIR R4 or R5; the answers are R4. */
export function consentRoutes(app: FastifyInstance, services: Services): void {
  const zone = services.constitution.timeZone ?? utc
  app.post<{ Body: Json }>(
    '/fhir/Consent',
    {
      // Before the schema, which would name no fault.
      preValidation: async ({ body }) => requireGrantable(body, zone),
      schema: { body: ConsentBody },
      config: { roles: ['patient'], describe: describeGrant },
    },
    async (request, reply) => {
      const consent = idOf(request, 'consent')
      const directive = { ...withoutOurs(request.body), id: consent }
      const fields = { patient: patientOf(directive), consent }
      const rendered = toR4(directive)
      const change = async (custodian: string): Promise<Taken> => {
        const options = submitOptionsOf(request, 'GrantConsent', custodian)
        const granted = { custodian, ...fields, directive }
        const receipt = await services.client.submit('GrantConsent', granted, options)
        return { ...receipt, isInForce: await isStillInForce(services, custodian, receipt, options) }
      }
      const results = await everywhere(services, placementsFor(services, rendered), change)
      reply.header('location', `/fhir/Consent/${consent}`)
      return answer(reply, { ...rendered, ...statusOf(results) }, results, 201)
    },
  )

  app.put<{ Body: Json; Params: { id: string } }>(
    '/fhir/Consent/:id',
    {
      preValidation: async ({ body }) => requireRevocable(body),
      schema: { body: RevokedConsentBody, params: ConsentParams },
      config: { roles: ['patient'], describe: describeRevoke },
    },
    async (request, reply) => {
      const { id: consent } = request.params
      if (!['inactive', 'entered-in-error'].includes(String(request.body['status']))) {
        throw new MedledgerError(
          'INVALID_REQUEST',
          'A consent can only be made inactive; grant a new one to change it.',
        )
      }
      const fields = { patient: patientOf(request.body), consent }
      const change = async (custodian: string): Promise<Taken> => {
        const options = submitOptionsOf(request, 'RevokeConsent', custodian)
        const receipt = await services.client.submit('RevokeConsent', { custodian, ...fields }, options)
        return { ...receipt, isInForce: false }
      }
      const results = await everywhere(services, placementsFor(services), change)
      return answer(reply, toRevokedR4({ ...withoutOurs(request.body), id: consent }, zone), results, 200)
    },
  )
}

type Json = Readonly<Record<string, unknown>>

/** A placement has taken a change. */
interface Taken extends Receipt {
  /** Whether the consent is in force there now. */
  readonly isInForce: boolean
}

/** What a repeat finds committed may have been revoked since: the newest state says so that this gateway has heard of. */
async function isStillInForce(
  { client, transport }: Services,
  custodian: string,
  { entry, block, isRepeat }: Receipt,
  { token }: SubmitOptions,
): Promise<boolean> {
  if (isRepeat !== true) return true
  const minimumBlock = Math.max(block, transport.height().blocks - 1)
  const asked = { minimumBlock, ...(token !== undefined && { token }) }
  const { active } = await client.evaluate('ReadGrant', { custodian, entry }, asked)
  return active
}

/** The placements that a Consent names, or all of them. Errors: INVALID_REQUEST for an unknown custodian. */
function placementsFor({ constitution }: Services, consent?: Consent): string[] {
  const named =
    (consent && custodiansOf(consent)) ?? constitution.placements.map(({ custodian }) => custodian)
  return [...new Set(named)].map((custodian) => placementOf(constitution, custodian).custodian)
}

/**
 * Makes one decision of the patient in each placement that it covers. One that does not answer keeps no other from
 * taking it; when none takes it and no outcome is unknown, the first error is thrown.
 */
async function everywhere(
  { log }: Services,
  custodians: readonly string[],
  change: (custodian: string) => Promise<Taken>,
): Promise<PlacementResult[]> {
  const settled = await Promise.allSettled(custodians.map(change))
  const reasons = settled.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  if (reasons.length === settled.length && !reasons.some((reason) => reason instanceof Unsettled)) {
    // What is unavailable somewhere matters more than that another placement refuses it.
    throw reasons.find((reason) => !(isSpoken(reason) && reason.code === 'CONFLICT')) ?? reasons[0]
  }
  return settled.map((result, index): PlacementResult => {
    const custodian = custodians[index] ?? ''
    if (result.status === 'fulfilled') {
      const { entry, isInForce } = result.value
      return { custodian, entry, isInForce }
    }
    const reason: unknown = result.reason
    if (!isSpoken(reason)) log.fault('consent', reason, { custodian })
    const error = isSpoken(reason) ? reason.code : 'INTERNAL'
    const statusPath = reason instanceof Unsettled ? reason.statusPath : undefined
    return { custodian, error, statusPath }
  })
}

/** What has been revoked wherever it was taken is inactive. */
function statusOf(results: readonly PlacementResult[]): { readonly status?: 'inactive' } {
  const taken = results.filter((result) => 'entry' in result)
  return taken.length > 0 && !taken.some(({ isInForce }) => isInForce) ? { status: 'inactive' } : {}
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
    .send({ ...consent, extension: [...(consent.extension ?? []), ...results.map(toPlacementExtension)] })
}
