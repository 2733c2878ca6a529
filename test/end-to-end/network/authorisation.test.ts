import { beforeAll, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import type { Asker, Target } from '../../gateway/authorisation/cast.ts'
import { maySee, notTaken, turnedAway } from '../../gateway/authorisation/rules.ts'
import { newDocument, newPatient, type TestPatient } from '../../support/clinic.ts'
import type { Organisation } from '../../support/gateway-network.ts'
import { codeOf, openNetwork, send, type Answer, type Network } from '../../support/network.ts'

/** A sample of the matrix in test/gateway/authorisation, on a real network of processes. */
const gateways = ['north', 'south', 'authority'] as const satisfies readonly Organisation[]
const users = [
  'dr.okafor',
  'dr.chen',
  'records.south',
  'operator.authority',
  'auditor.lee',
  'the patient',
  'another patient',
  'nobody',
]
const states = ['nothing said', 'permits everybody', 'permit revoked', 'unknown'] as const

let network: Network
let stranger: TestPatient
const patients = new Map<string, TestPatient>()
const targets = new Map<string, Target>()

beforeAll(async () => {
  network = await openNetwork()
  stranger = await newPatient(network)
  for (const state of states) {
    const patient = await newPatient(network)
    const hasDocuments = state !== 'unknown'
    const north = hasDocuments ? await newDocument(network, patient.handle, 'north') : `north-${randomId()}`
    if (state.startsWith('permit')) {
      const { body } = await patient.grant({ type: 'permit' })
      if (state === 'permit revoked') await patient.revoke(body.id)
    }
    const { handle } = patient
    const isPermitted = state === 'permits everybody'
    patients.set(state, patient)
    targets.set(state, {
      name: state,
      handle,
      subject: `patient-${handle}`,
      isRegistered: true,
      hasDocuments,
      isAuthored: false,
      said: isPermitted ? [{ effect: 'permit' }] : [],
      defaultPolicy: 'basic-normal',
      documents: { north, south: `south-${randomId()}` },
      consents: [],
    })
  }
})

function askerOf(user: string, { handle }: Target): Asker {
  if (user === 'nobody') {
    return { name: user, presents: 'no token', issuer: 'north', subject: user, claimed: [] }
  }
  const isPatient = user.endsWith('patient')
  const { role, organisation } = isPatient
    ? ({ role: 'patient', organisation: 'authority' } as const)
    : network.person(user)
  const known = user === 'the patient' ? handle : stranger.handle
  const registered = {
    role,
    organisation: organisation as Organisation,
    handle: isPatient ? known : network.person(user).handle,
  }
  return {
    name: user,
    presents: 'a token',
    issuer: registered.organisation,
    subject: user,
    claimed: [role],
    registered,
  }
}

function ask(user: string, state: string, at: Organisation, path: string): Promise<Answer> {
  if (user === 'nobody') return send(network, at, path)
  const patient = user === 'the patient' ? patients.get(state) : stranger
  return user.endsWith('patient') && patient !== undefined
    ? patient.ask(path, { at })
    : network.ask(user, path, { at })
}

const roles = ['doctor', 'patient'] as const

/** Status, code and number of entries that an asker must be answered with who reads a target's document at North. */
function expected(asker: Asker, target: Target, at: Organisation): [number, string, number] {
  const refused = turnedAway(asker, at, roles) ?? notTaken(asker, at, roles)
  if (refused !== undefined) return [refused.status, refused.code ?? '', 0]
  const isSeen = target.hasDocuments && maySee(asker, target, 'north')
  return isSeen ? [200, 'none', 1] : [403, 'NOT_RELEASED', 1]
}

describe.each(states)('a document whose patient’s state is %s', (state) => {
  test.each(users)('is given to %s, or refused, as the rules say', async (user) => {
    const target = targets.get(state)
    if (target === undefined) throw new RangeError(`no target for ${state}`)
    const asker = askerOf(user, target)
    for (const at of gateways) {
      const answer = await ask(user, state, at, `/fhir/Bundle/${target.documents.north}`)
      const came = [answer.status, codeOf(answer), answer.entries.length]
      expect(came, at).toEqual(expected(asker, target, at))
    }
  })
})
