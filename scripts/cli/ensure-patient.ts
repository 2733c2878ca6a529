import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { randomId } from 'medledger-chaincode/api'
import {
  newUserName,
  readPeople,
  subjectOf,
  writePeople,
  type DevelopmentPerson,
} from '../development/index.ts'
import type { PatientNames } from '../import/index.ts'
import { lockDirectory, type DirectoryLock } from '../network/embedded/lock.ts'
import { refreshProviders } from '../start/docker/folders.ts'
import type { Paths } from '../start/paths.ts'
import { exitCodes, Failure } from './exit-codes.ts'
import { toFailure } from './gateway-client.ts'
import type { Session } from './session.ts'

const lockTimeoutMs = 10_000
const retryMs = 50

/** Keeps two imports from inventing people at the same time, each over the other's. */
async function lockPeople({ root }: Paths): Promise<DirectoryLock> {
  const directory = join(root, 'people.lock')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const deadline = performance.now() + lockTimeoutMs
  for (;;) {
    try {
      return lockDirectory(directory)
    } catch (error) {
      if (performance.now() > deadline)
        throw new Failure(exitCodes.unavailable, 'Another import keeps the list of people.', { cause: error })
      await pause(retryMs)
    }
  }
}

async function changePeople<Value>(
  { paths, instance }: Session,
  change: (people: readonly DevelopmentPerson[]) => {
    readonly people: readonly DevelopmentPerson[]
    readonly value: Value
  },
): Promise<Value> {
  const lock = await lockPeople(paths)
  try {
    const before = (await readPeople(paths.people)) ?? []
    const { people, value } = change(before)
    if (people !== before) await writePeople(paths.people, people)
    if (instance.network === 'docker') await refreshProviders(paths)
    return value
  } finally {
    lock.release()
  }
}

/** The organisation whose issuer may assert patients. */
function patientsOrganisation({ instance }: Session): {
  readonly organisation: string
  readonly issuer: string
} {
  const found = instance.topology.constitution.issuers.find(({ roles }) => roles.includes('patient'))
  if (found === undefined)
    throw new Failure(exitCodes.error, 'No issuer of this network may assert patients.')
  return found
}

/**
 * The development person of a bundle's patient: the one from an earlier run, or a new one. She is on disk before she is
 * on the ledger, so that a run that breaks off in between leads to no second handle.
 */
export async function ensurePatient(session: Session, names: PatientNames): Promise<DevelopmentPerson> {
  const { organisation, issuer } = patientsOrganisation(session)
  const patient = await changePeople(session, (people) => {
    const known = people.find(({ source }) => source === names.source)
    if (known !== undefined) return { people, value: known }
    const added = invent(people, names, organisation)
    return { people: [...people, added], value: added }
  })
  if (patient.registered === true) return patient
  await register(session, patient, { organisation, issuer })
  return changePeople(session, (people) => {
    const registered = { ...patient, registered: true }
    return {
      people: people.map((person) => (person.handle === patient.handle ? registered : person)),
      value: registered,
    }
  })
}

function invent(
  people: readonly DevelopmentPerson[],
  { given, family, source }: PatientNames,
  organisation: string,
): DevelopmentPerson {
  const user = newUserName(given, family, new Set(people.map((person) => person.user)))
  const name = `${given} ${family}`.trim().slice(0, 200) || user
  return { user, handle: randomId(), role: 'patient', organisation, name, source, registered: false }
}

async function register(
  session: Session,
  patient: DevelopmentPerson,
  { organisation, issuer }: { readonly organisation: string; readonly issuer: string },
): Promise<void> {
  const operator = session.people.find(
    (person) => person.organisation === organisation && person.role === 'operator',
  )
  if (operator === undefined) throw new Failure(exitCodes.error, `${organisation} has no operator.`)
  const answer = await session.gatewayFor(operator).send({
    method: 'POST',
    path: '/v1/patients',
    body: { patient: patient.handle, issuer, subject: subjectOf(patient) },
    mediaType: 'application/json',
  })
  // 409: registered by a run that broke off before it could say so.
  if (![200, 201, 409].includes(answer.status)) throw toFailure(answer)
}
