import {
  MedledgerError,
  type Issuer,
  type Patient,
  type Person,
  type RequestOf,
  type ResponseOf,
} from '../api/index.ts'
import { requireSecret, type Subject } from '../ledger/caller.ts'
import type { Context } from '../ledger/context.ts'
import { patientKey, personKey, subjectKey } from '../ledger/keys.ts'
import { writePatient, writePerson } from '../ledger/records.ts'
import type { Handlers } from './handlers.ts'

/** The issuer must be run by the caller's organisation and be allowed to assert the role. Errors: FORBIDDEN. */
function requireIssuer(
  { constitution, caller }: Context,
  issuer: string,
  role: Issuer['roles'][number],
): void {
  const known = constitution.issuers.find((candidate) => candidate.issuer === issuer)
  if (known?.organisation !== caller.agent.organisation || !known.roles.includes(role)) {
    throw new MedledgerError(
      'FORBIDDEN',
      `Your organisation has no issuer of this name that may assert ${role}.`,
    )
  }
}

async function registerPatient(context: Context, request: RequestOf<'RegisterPatient'>): Promise<undefined> {
  const { patient, issuer, subject } = request
  requireIssuer(context, issuer, 'patient')
  const { registry, caller } = context
  const index = subjectKey(await requireSecret(registry), issuer, subject)
  // A handle names one patient or one person: entries and directives tell them apart by nothing else.
  const taken = await Promise.all(
    [index, patientKey(patient), personKey(patient)].map((key) => registry.get(key)),
  )
  if (taken.some((record) => record !== undefined))
    throw new MedledgerError('CONFLICT', 'This subject or this handle is registered already.')
  const { organisation } = caller.agent
  const record: Patient = { patient, version: 1, issuer, subject, organisation, status: 'active' }
  await registry.put(index, { kind: 'patient', id: patient } satisfies Subject)
  await writePatient(registry, record)
}

/** Registers somebody, or gives a new name, role or unit to the same person of the same organisation. */
async function registerPerson(context: Context, request: RequestOf<'RegisterPerson'>): Promise<undefined> {
  const { person, issuer, subject, name, role, unit } = request
  if (role === 'patient')
    throw new MedledgerError('INVALID_REQUEST', 'Patients are registered by RegisterPatient.')
  requireIssuer(context, issuer, role)
  const { registry, caller } = context
  const index = subjectKey(await requireSecret(registry), issuer, subject)
  const subjectBefore = await registry.get<Subject>(index)
  const before = await registry.get<Person>(personKey(person))
  const isPatient = (await registry.get(patientKey(person))) !== undefined
  if (subjectBefore?.id !== before?.person || isPatient) {
    throw new MedledgerError('CONFLICT', 'This subject or this handle belongs to somebody else.')
  }
  const record: Person = {
    person,
    issuer,
    subject,
    name,
    role,
    organisation: caller.agent.organisation,
    active: true,
    ...(unit !== undefined && { unit }),
    version: (before?.version ?? 0) + 1,
  }
  if (before === undefined) await registry.put(index, { kind: 'person', id: person } satisfies Subject)
  await writePerson(registry, record)
}

async function deactivatePerson(
  { registry, caller }: Context,
  request: RequestOf<'DeactivatePerson'>,
): Promise<undefined> {
  const record = await registry.get<Person>(personKey(request.person))
  if (record?.organisation !== caller.agent.organisation) {
    throw new MedledgerError('NOT_FOUND', 'Your organisation has no such person.')
  }
  await writePerson(registry, { ...record, active: false, version: record.version + 1 })
}

async function readCaller({ caller }: Context): Promise<ResponseOf<'ReadCaller'>> {
  const { id, role, organisation } = caller.agent
  if (id === undefined || role === undefined) throw new MedledgerError('FORBIDDEN', 'A token is missing.')
  return { id, role, organisation }
}

async function readPatient({ registry }: Context, { patient }: RequestOf<'ReadPatient'>): Promise<Patient> {
  const record = await registry.get<Patient>(patientKey(patient))
  if (record === undefined)
    throw new MedledgerError('NOT_FOUND', 'No patient is registered under this handle.')
  return record
}

export const registryHandlers = {
  RegisterPatient: registerPatient,
  RegisterPerson: registerPerson,
  DeactivatePerson: deactivatePerson,
  ReadCaller: readCaller,
  ReadPatient: readPatient,
} satisfies Partial<Handlers>
