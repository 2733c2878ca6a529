import { decide, type Decision } from './decide.ts'
import { combinings, defaultPolicies, type Combining, type DefaultPolicy, type Facts } from './facts.ts'
import { codeKey, toCoding } from './fhir/coding.ts'
import { readConsent, type Reading } from './fhir/consent.ts'
import { readDirectory, type Directory } from './fhir/directory.ts'
import { isObject, type Json } from './fhir/json.ts'
import { patientMatcher } from './fhir/patient.ts'
import { readRecord } from './fhir/record.ts'
import { toIdentifier, toLiteral } from './fhir/reference.ts'
import { mustBeResolved, type Directive } from './directive.ts'
import { toFhirResidual, type FhirResidual } from './fhir/residual.ts'
import type { Outcome } from './judge.ts'
import { firstInstant, utc } from './period.ts'
import { actReason } from './tables/purposes.ts'

/** The answer to a case in FHIR, as `medledger decide` prints it. */
export interface CaseDecision extends Pick<Decision, 'outcome' | 'basis' | 'basedOn' | 'rule'> {
  readonly id?: string
  readonly residual: readonly FhirResidual[]
  readonly records: readonly { readonly id: string; readonly outcome: Outcome }[]
  readonly trace: readonly (Decision['trace'][number] | Ignored)[]
}

/** A Consent that takes no part in a decision. */
export interface Ignored {
  readonly note: 'ignored'
  readonly consent: string
  readonly because: Extract<Reading, { kind: 'none' }>['because']
}

/** A case that is not one: everything that is wrong with it. */
export class InvalidCase extends Error {
  readonly code = 'INVALID_REQUEST'

  constructor(faults: readonly string[]) {
    super(`${faults.slice(0, 5).join('; ')}.`)
    this.name = 'InvalidCase'
  }
}

interface Case {
  readonly consents: readonly Json[]
  readonly request: Json
  readonly records: readonly Json[]
  readonly directory: readonly Json[]
  readonly defaultPolicy: DefaultPolicy
  readonly combining: Combining
}

/**
 * Decides a case that is given in FHIR: consents (R4 or R5), a request, records, a directory. Nothing is looked up; who
 * asks must be resolved by the caller. Errors: {@link InvalidCase}.
 */
export function decideCase(input: unknown): CaseDecision {
  const { consents, request, records, directory, ...given } = readCase(input)
  const known = readDirectory(directory, firstInstant(request['at'], utc))
  const isPatient = patientMatcher(nameOf(request['patient']) ?? '', known)
  const resolve = (identifier: string): string | undefined =>
    [...known.expand([identifier])].find((name) => !name.includes('|') && !mustBeResolved(name))
  const directives: Directive[] = []
  const ignored: Ignored[] = []
  for (const [index, resource] of consents.entries()) {
    const id = typeof resource['id'] === 'string' ? resource['id'] : `#${index}`
    const reading = readConsent(id, resource, { isPatient, resolve, zone: utc })
    if (reading.kind === 'too-large') throw new InvalidCase([`consents[${index}] has too many provisions`])
    if (reading.kind === 'directive') directives.push(reading.directive)
    else ignored.push({ note: 'ignored', consent: id, because: reading.because })
  }
  const decision = decide({
    ...given,
    ...requestFacts(request, known),
    directives,
    records: records.map((record, index) =>
      readRecord(record, index, { isPatient, directory: known, zone: utc }),
    ),
  })
  const { id } = input as Json
  const { outcome, basis, basedOn, rule, residual, trace } = decision
  return {
    ...(typeof id === 'string' && { id }),
    outcome,
    basis,
    basedOn,
    rule,
    residual: residual.map(toFhirResidual),
    records: decision.records.map((record) => ({ id: record.id, outcome: record.outcome })),
    trace: [...ignored, ...trace],
  }
}

type RequestFacts = Pick<Facts, 'at' | 'purposes' | 'action' | 'class' | 'asker'>

function requestFacts(request: Json, directory: Directory): RequestFacts {
  const { action, class: asked, role } = request
  const names = (request['actors'] as readonly unknown[]).flatMap((actor) => nameOf(actor) ?? [])
  const expanded = [...directory.expand(names)]
  return {
    at: firstInstant(request['at'], utc) ?? Number.NaN,
    purposes: (request['purpose'] as readonly unknown[]).flatMap((purpose) => purposeOf(purpose) ?? []),
    action: typeof action === 'string' ? action : 'access',
    ...(typeof asked === 'string' && { class: asked }),
    asker: {
      references: new Set(expanded.filter((name) => !name.includes('|'))),
      identifiers: new Set(expanded.filter((name) => name.includes('|'))),
      groups: directory.groups,
      ...(typeof role === 'string' && { role }),
    },
  }
}

/** `Type/id` or `system|value` of `"Type/id"`, `{ reference }` or `{ system, value }`. */
function nameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return toLiteral(value)
  return isObject(value) ? (toLiteral(value['reference']) ?? toIdentifier(value)) : undefined
}

function purposeOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' || value.includes('|') ? undefined : value
  const coding = toCoding(value)
  if (coding === undefined) return undefined
  return (coding.system ?? actReason) === actReason ? coding.code : codeKey(coding)
}

/** Checks the form of a case; unknown members are ignored. Errors: {@link InvalidCase} with all faults. */
function readCase(input: unknown): Case {
  if (!isObject(input)) throw new InvalidCase(['A case is a JSON object'])
  const { consents, request, records, directory = [], defaultPolicy, combining = 'deny-overrides' } = input
  const faults = [
    ...listFaults('consents', consents, (item) => item['resourceType'] === 'Consent'),
    ...listFaults('records', records, hasType),
    ...listFaults('directory', directory, hasType),
    ...(isObject(request) ? requestFaults(request) : ['request is missing or not an object']),
    ...oneOf('defaultPolicy', defaultPolicies, defaultPolicy),
    ...oneOf('combining', combinings, combining),
  ]
  if (faults.length > 0) throw new InvalidCase(faults)
  return { consents, request, records, directory, defaultPolicy, combining } as unknown as Case
}

const hasType = (item: Json): boolean => typeof item['resourceType'] === 'string'

function listFaults(name: string, value: unknown, isOne: (item: Json) => boolean): string[] {
  if (!Array.isArray(value)) return [`${name} is missing or not a list`]
  const index = value.findIndex((item: unknown) => !isObject(item) || !isOne(item))
  return index < 0 ? [] : [`${name}[${index}] is not a FHIR resource of this kind`]
}

const oneOf = (name: string, values: readonly string[], value: unknown): string[] =>
  (values as readonly unknown[]).includes(value) ? [] : [`${name} must be one of ${values.join(', ')}`]

const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

function requestFaults({ patient, actors, purpose, at, role, action, class: asked }: Json): string[] {
  const isInstant = typeof at === 'string' && instant.test(at) && firstInstant(at, utc) !== undefined
  const fault = (isWrong: boolean, text: string): string[] => (isWrong ? [text] : [])
  return [
    ...fault(nameOf(patient) === undefined, 'request.patient must be "Patient/id" or { system, value }'),
    ...fault(
      !isListOf(actors, nameOf),
      'request.actors must be a list of { reference } or { system, value }',
    ),
    ...fault(
      !isListOf(purpose, purposeOf) || (purpose as unknown[]).length === 0,
      'request.purpose must be a list of one or more codes',
    ),
    ...fault(!isInstant, 'request.at must be an instant with seconds and an offset'),
    ...Object.entries({ role, action, class: asked }).flatMap(([name, value]) =>
      fault(value !== undefined && typeof value !== 'string', `request.${name} must be a code`),
    ),
  ]
}

const isListOf = (value: unknown, read: (item: unknown) => unknown): boolean =>
  Array.isArray(value) && value.every((item) => read(item) !== undefined)
