import { randomId } from 'medledger-chaincode/api'
import { inTurn, permitSouth, type BenchPatient } from '../patients.ts'
import type { Arm, Comparison } from '../rounds.ts'
import { requestAccess, type Bench } from '../work.ts'

const hot = 10
const inFlight = 50
const changeEvery = 20

/** Accesses to few patients' documents against many patients', alone and while some of them change their consents. */
export function comparePatients({ instance, patients }: Bench): Comparison[] {
  const { processes } = instance
  const { client } = instance.ledger('authority')
  const reading = (name: string, among: readonly BenchPatient[]): Arm => {
    const next = inTurn(among)
    return { name, processes, run: () => requestAccess(instance, next().documents) }
  }
  const changing = (name: string, among: readonly BenchPatient[]): Arm => {
    const next = inTurn(among)
    const change = createChange(client, (handle) => instance.patientToken(handle, 'authority'))
    let count = 0
    const run = (): Promise<unknown> => {
      const patient = next()
      count += 1
      return count % changeEvery === 0 ? change(patient.handle) : requestAccess(instance, patient.documents)
    }
    return { name, processes, run }
  }
  const few = patients.slice(0, hot)
  const names = [`${hot} patients`, `${patients.length} patients`] as const
  return [
    {
      name: `${hot} hot patients : ${patients.length}`,
      operation: 'RequestAccess',
      inFlight,
      arms: [reading(names[0], few), reading(names[1], patients)],
    },
    {
      name: `the same, 5 % consent changes`,
      operation: `RequestAccess; every ${changeEvery}th a grant or its revocation`,
      inFlight,
      arms: [changing(names[0], few), changing(names[1], patients)],
    },
  ]
}

/** Grants and revokes in turn, so that no patient's consent set grows. */
function createChange(
  client: ReturnType<Bench['instance']['ledger']>['client'],
  tokenOf: (patient: string) => string,
): (patient: string) => Promise<unknown> {
  const granted = new Map<string, string>()
  return async (patient) => {
    const token = tokenOf(patient)
    const consent = granted.get(patient)
    if (consent !== undefined) {
      granted.delete(patient)
      return client.submit('RevokeConsent', { custodian: 'north', patient, consent }, { token })
    }
    const fields = { custodian: 'north', patient, consent: randomId(), directive: permitSouth(patient) }
    const receipt = await client.submit('GrantConsent', fields, { token })
    granted.set(patient, fields.consent)
    return receipt
  }
}
