import type { Consent } from 'fhir/r4.js'
import { canonical, limits, MedledgerError } from 'medledger-chaincode/api'
import { isR5, renderR4, toDirective } from 'medledger-chaincode/core'
import { InvalidResource, type Fault } from '../error.ts'
import { formFaults, revocationFaults } from '../fhir/consent-shape.ts'
import { placementExtension } from '../fhir/consent.ts'
import { handleOf } from './reading.ts'

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isOfR5 = (body: unknown): boolean => isObject(body) && isR5(body)

/**
 * Whether a Consent, of R4 or R5, can be recorded. Errors: {@link InvalidResource} with everything about it that is not well
 * formed or not understood, LIMIT_EXCEEDED for one that is too long.
 */
export function requireGrantable(body: unknown, zone: string): void {
  if (Buffer.byteLength(canonical(body ?? null), 'utf8') > limits.directiveBytes)
    throw new MedledgerError('LIMIT_EXCEEDED', `A Consent may have at most ${limits.directiveBytes} bytes.`)
  const form = formFaults(body, isOfR5(body))
  const meaning = isObject(body) ? meaningFaults(body, zone) : []
  const faults = [...form, ...meaning.filter((fault) => !isTold(fault, form))]
  if (faults.length > 0) throw new InvalidResource(faults)
}

const notUnderstood = 'is not understood'

/** What is not well formed is not understood either: the more exact words are enough. */
const isTold = ({ path, text }: Fault, form: readonly Fault[]): boolean =>
  form.some(
    (told) =>
      told.path === path ||
      (text === notUnderstood && ['[', '.'].some((mark) => told.path.startsWith(path + mark))),
  )

const unknownMember = '.(unknown member)'

function meaningFaults(consent: Json, zone: string): Fault[] {
  const mapped = toDirective('', consent, zone)
  if (mapped.kind !== 'faults') return []
  return mapped.faults.map((fault) => {
    const [place = '', parent] = fault.split(unknownMember, 2)
    if (parent !== undefined) return { path: place, text: 'has a member that FHIR does not have there' }
    const [path = ''] = fault.split(' ', 1)
    return { path, text: fault.slice(path.length + 1) }
  })
}

/** Whether a Consent can be revoked: that it says which patient's it is. Errors: {@link InvalidResource}. */
export function requireRevocable(body: unknown): void {
  const faults = revocationFaults(body, isOfR5(body))
  if (faults.length > 0) throw new InvalidResource(faults)
}

/** The handle of the patient whom a Consent is about, which the checks above have found well formed. */
export function patientOf(body: Json): string {
  const about = body[isR5(body) ? 'subject' : 'patient'] as { readonly reference: string }
  return handleOf(about.reference)
}

/** What somebody sent, without what only the gateway says. */
export function withoutOurs({ extension, ...consent }: Json): Json {
  const others = Array.isArray(extension) ? extension.filter((item) => !isOurs(item)) : []
  return { ...consent, ...(others.length > 0 && { extension: others }) }
}

const isOurs = (extension: unknown): boolean => isObject(extension) && extension['url'] === placementExtension

/** A Consent that the ledger has, as FHIR R4. */
export const toR4 = (consent: Json): Consent => renderR4(consent) as unknown as Consent

/** A Consent that is revoked, as FHIR R4: of an R5 Consent that the ledger would not take, its head. */
export function toRevokedR4(consent: Json, zone: string): Consent {
  const isKnown = meaningFaults({ ...consent, status: 'active' }, zone).length === 0
  const { resourceType, id, status, subject, category } = consent
  return toR4(!isR5(consent) || isKnown ? consent : { resourceType, id, status, subject, category })
}
