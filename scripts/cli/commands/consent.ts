import { findPerson } from '../../development/index.ts'
import { objectAt, objectsAt, textAt, type Json } from '../../import/resource.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import { matchesOf, toConsentResult, type ConsentResult } from '../fhir.ts'
import type { PersonalOptions } from '../options.ts'
import { writeJson, type Output } from '../output.ts'
import { openSession, type Session } from '../session.ts'
import { readConsentFile } from './consent-file.ts'

export interface GrantOptions extends PersonalOptions {
  /** Everybody, in a deny that names nobody. */
  readonly to?: string
  readonly deny?: true
  readonly file?: string
  readonly defaultPolicy?: string
  readonly purpose?: readonly string[]
  readonly type?: readonly string[]
  readonly until?: string
  readonly custodian?: readonly string[]
}

const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
const participation = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType'
const scope = 'http://terminology.hl7.org/CodeSystem/consentscope'

/** A person of staff, everybody of an organisation, or everybody of a role. */
export type Who =
  | { readonly practitioner: string }
  | { readonly organisation: string }
  | { readonly role: string }

/** Whom a word of the command line means. Errors: exit 2. */
export function whoIs(to: string, { people, instance }: Session): Who {
  const person = findPerson(people, to)
  if (person?.role === 'patient')
    throw new Failure(
      exitCodes.badInput,
      `${to} is a patient: name somebody of staff, an organisation or a role.`,
    )
  if (person !== undefined) return { practitioner: person.handle }
  const { organisations, issuers } = instance.topology.constitution
  const roles = [...new Set<string>(issuers.flatMap((issuer) => issuer.roles))]
  if (organisations.some(({ name }) => name === to)) return { organisation: to }
  if (roles.includes(to)) return { role: to }
  throw new Failure(
    exitCodes.badInput,
    `There is no user, organisation or role ${to}: see \`medledger people\`; roles are ${roles.join(', ')}.`,
  )
}

/** Whom a grant is for. */
function recipient(to: string, session: Session): Json {
  const who = whoIs(to, session)
  if ('practitioner' in who) return { reference: `Practitioner/${who.practitioner}` }
  if ('organisation' in who) return { reference: `Organization/${who.organisation}` }
  return { identifier: { system: 'urn:medledger:role', value: who.role } }
}

/** The FHIR R4 Consent that a grant's options describe. */
export function toConsent(patient: string, options: GrantOptions, session: Session): Json {
  const { custodian, defaultPolicy } = options
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: scope, code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0', display: 'Consent Document' }] }],
    patient: { reference: `Patient/${patient}` },
    ...(custodian && { organization: custodian.map((name) => ({ reference: `Organization/${name}` })) }),
    ...(defaultPolicy === undefined
      ? ruleOf(options, session)
      : { policyRule: { coding: [{ system: 'urn:medledger:default-policy', code: defaultPolicy }] } }),
  }
}

function ruleOf({ to, deny, purpose, type, until }: GrantOptions, session: Session): Json {
  const types = type?.map((code) => ({ system: 'http://loinc.org', code }))
  const role = { coding: [{ system: participation, code: 'IRCP' }] }
  return {
    policyRule: { coding: [{ system: actCode, code: deny ? 'OPTOUT' : 'OPTIN' }] },
    provision: {
      type: deny ? 'deny' : 'permit',
      ...(until !== undefined && { period: { end: until } }),
      ...(to !== undefined && { actor: [{ role, reference: recipient(to, session) }] }),
      ...(purpose && { purpose: purpose.map((code) => ({ system: actReason, code })) }),
      // A deny by code is about whatever has that code in it, one by class about documents of this type.
      ...(types && (deny ? { class: types } : { code: types.map((coding) => ({ coding: [coding] })) })),
    },
  }
}

/** What says all of a Consent stands alone. Errors: exit 2. */
function requireOneWay(options: GrantOptions): void {
  const { file, defaultPolicy, to, deny } = options
  const others = (['to', 'deny', 'purpose', 'type', 'until'] as const).filter(
    (name) => options[name] !== undefined,
  )
  const whole = Object.entries({ '--file': file, '--default-policy': defaultPolicy })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
  const isAlone = whole.length === 1 && others.length === 0
  if (whole.length > 0 && !isAlone)
    throw new Failure(exitCodes.badInput, `${whole[0]} says it all: leave the other options out.`)
  if (file !== undefined && options.custodian !== undefined)
    throw new Failure(
      exitCodes.badInput,
      'In a file the Consent names its custodians: leave --custodian out.',
    )
  if (whole.length === 0 && to === undefined && !deny)
    throw new Failure(exitCodes.badInput, 'Say to whom (--to), or that it is a --deny for everybody.')
}

function requireCustodians(names: readonly string[] | undefined, { instance }: Session): void {
  const known = instance.topology.constitution.placements.map(({ custodian }) => custodian)
  const unknown = names?.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new Failure(exitCodes.badInput, `There is no custodian ${unknown}; there are: ${known.join(', ')}.`)
}

/** `medledger grant`: one decision of the patient, lodged with every custodian unless some are named. */
export async function grant(options: GrantOptions, output: Output): Promise<void> {
  requireOneWay(options)
  const session = await openSession(options.data)
  const person = session.person(options.as)
  requireCustodians(options.custodian, session)
  const { file } = options
  const body =
    file === undefined
      ? toConsent(person.handle, options, session)
      : await readConsentFile(file, person.handle)
  const answer = await session
    .gatewayFor(person, options.at)
    .expect({ method: 'POST', path: '/fhir/Consent', body }, [201, 202])
  report(grantedWords, toConsentResult(answer.body), options, output)
}

/** Whether a search says more than what all say: that it lacks what somebody did not answer, or may not have. */
const isPartial = (bundle: unknown): boolean =>
  objectsAt(bundle, 'entry')
    .map((entry) => objectAt(entry, 'resource'))
    .filter((resource) => textAt(resource, 'resourceType') === 'OperationOutcome')
    .flatMap((outcome) => objectsAt(outcome, 'issue'))
    .some((issue) => textAt(issue, 'severity') !== 'information')

interface RevokeOptions extends PersonalOptions {
  readonly last?: true
}

/** `medledger revoke`: makes one consent inactive wherever it is lodged; `--last` the newest that is active. */
export async function revoke(
  consent: string | undefined,
  options: RevokeOptions,
  output: Output,
): Promise<void> {
  if ((consent === undefined) === (options.last === undefined))
    throw new Failure(exitCodes.badInput, 'Name the consent, or say --last.')
  if (consent !== undefined && !/^[0-9a-f]{32}$/.test(consent))
    throw new Failure(exitCodes.badInput, 'A consent’s id is 32 hexadecimal digits.')
  const session = await openSession(options.data)
  const person = session.person(options.as)
  const gateway = session.gatewayFor(person, options.at)
  const findLast = async (): Promise<string> => {
    const path = `/fhir/Consent?patient=${person.handle}`
    const { body } = await gateway.expect({ method: 'GET', path }, [200])
    // The newest one may be at a custodian that did not answer.
    if (isPartial(body))
      throw new Failure(
        exitCodes.unavailable,
        'Not every custodian answered: name the consent, or try again later.',
      )
    const found = matchesOf(body).findLast(({ status }) => status === 'active')
    const id = textAt(found, 'id')
    if (id === undefined) throw new Failure(exitCodes.notFound, 'You have no active consent.')
    return id
  }
  const id = consent ?? (await findLast())
  const body = {
    resourceType: 'Consent',
    id,
    status: 'inactive',
    scope: { coding: [{ system: scope, code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: `Patient/${person.handle}` },
  }
  const answer = await gateway.expect({ method: 'PUT', path: `/fhir/Consent/${id}`, body }, [200, 202])
  report(revokedWords, toConsentResult(answer.body), options, output)
}

interface Words {
  readonly done: string
  /** What to do where a custodian has not taken it. */
  readonly again: (consent: string) => string
}
const grantedWords: Words = {
  done: 'granted',
  again: () => 'repeat the command there (--custodian) when it answers again',
}
const revokedWords: Words = {
  done: 'revoked',
  again: (consent) => `repeat it (medledger revoke ${consent}) when it answers again`,
}

/** Prints what was done; where a custodian has not taken the decision, the command has not done all it was asked. */
function report(
  { done, again }: Words,
  { consent, entries, missing }: ConsentResult,
  { json }: PersonalOptions,
  output: Output,
): void {
  if (json) writeJson(output, { consent, entries })
  else output.out(`Consent ${consent} ${done}.\n${entries.map((entry) => `Entry ${entry}\n`).join('')}`)
  if (missing.length === 0) return
  const where = missing.map(({ custodian, error }) => `${custodian} (${error})`).join(', ')
  const isUnknown = missing.some(({ error }) => error === 'OUTCOME_UNKNOWN')
  throw new Failure(
    isUnknown ? exitCodes.outcomeUnknown : exitCodes.unavailable,
    `Not ${done} at ${where}: ${again(consent)}.`,
  )
}
