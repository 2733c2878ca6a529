import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  isTransactionName,
  MedledgerError,
  placementOf,
  randomId,
  transactions,
  type FieldsOf,
  type TransactionName,
} from 'medledger-chaincode/api'
import { demoTopology, narrowTopology } from '../../../scripts/network/topology.ts'
import {
  access,
  accessTo,
  consentOf,
  grant,
  read,
  registerDocuments,
  registrationOf,
} from '../../support/ledger-samples.ts'
import { demoWorld, people, type Submitter, type User, type World } from '../../support/ledger-world.ts'
import { expected, type Caller } from './rules.ts'

const topologies = { demo: demoTopology(), narrow: narrowTopology() }
const names = Object.keys(transactions).filter(isTransactionName)
const organisations = ['north', 'south', 'authority'] as const
const custodians = ['north', 'south'] as const
type Custodian = (typeof custodians)[number]

const verdicts = new Map<string, number>()
afterAll(() => {
  const total = [...verdicts.values()].reduce((sum, count) => sum + count, 0)
  const lines = [...verdicts].map(([verdict, count]) => `  ${String(count).padStart(6)}  ${verdict}`).sort()
  process.stdout.write(`transactions: ${total} cells\n${lines.join('\n')}\n`)
})

type Requests = { readonly [N in TransactionName]: FieldsOf<N> }

/** A request of every transaction that the right caller could make, about one custodian's records of Maria. */
async function requestsAbout(world: World, custodian: Custodian): Promise<Requests> {
  const id = randomId()
  const patient = people.maria.handle
  const issuers = world.issuers.get(custodian)
  if (issuers === undefined) throw new RangeError(`no issuer for ${custodian}`)
  const { issuer, publicKey: key } = issuers
  const [document = ''] = await registerDocuments(world, custodian, 'maria')
  const consent = await grant(world, 'maria', consentOf(), { custodian })
  const fields = { custodian, patient, consent: randomId(), directive: consentOf() }
  const granted = await world.submit('GrantConsent', fields, await world.as('maria'))
  const { entry: accessed } = await access(world, 'dr.chen', [document], { custodian })
  const more = { custodian }
  const searched = await read(world, await world.as('dr.chen'), 'maria', 'DocumentReference', more)
  const reviewed = await read(world, await world.as('maria'), 'maria', 'Consent', more)
  const looked = await read(world, await world.as('maria'), 'maria', 'AuditEvent', more)
  const audited = await read(world, await world.as('auditor.lee'), 'maria', 'AuditEvent', more)
  const doctor = custodian === 'north' ? 'dr.okafor' : 'dr.chen'
  return {
    OpenPlacement: { placement: custodian, secret: id + id },
    AddIssuerKey: { issuer, kid: id, key },
    RevokeIssuerKey: { issuer, kid: `${custodian}-1` },
    RegisterPatient: { patient: id, issuer: world.issuers.get('authority')?.issuer ?? '', subject: id },
    RegisterPerson: { person: id, issuer, subject: id, name: 'n', role: 'doctor' },
    DeactivatePerson: { person: people[doctor].handle },
    GrantConsent: { custodian, patient, consent: id, directive: consentOf() },
    RevokeConsent: { custodian, patient, consent },
    RegisterDocuments: { custodian, patient, documents: [registrationOf(custodian)] },
    RequestAccess: accessTo([document], { custodian }),
    RecordReading: { custodian, patient, readingOf: 'DocumentReference', purpose: 'TREAT' },
    RecordRelease: { custodian, through: 'south', access: accessed, documents: [document] },
    CancelRequest: { custodian, book: 'access', cancels: id },
    ReadCaller: {},
    ReadPatient: { patient },
    ReadIssuerKey: { issuer, kid: `${custodian}-1` },
    ReadRequest: { custodian, book: 'access', entry: accessed },
    ReviewAccess: { custodian, through: 'south', entry: accessed },
    ListDocuments: { custodian, entry: searched },
    ListConsents: { custodian, entry: reviewed },
    ReadGrant: { custodian, entry: granted },
    ListEntries: { custodian, entry: audited, book: 'access' },
    ReplayEntries: { custodian },
    ExplainEntry: { custodian, entry: looked, of: { through: 'south', entry: accessed } },
    SimulateDecision: { custodian, entry: reviewed, who: { role: 'doctor' }, purpose: 'TREAT' },
  }
}

/** Everybody with a token for every gateway through every gateway, and every certificate alone. */
function allCallers(): Caller[] {
  const through = [...organisations, undefined]
  const attributes = ['gateway', 'operator', 'admin', null]
  const persons = Object.entries(people).flatMap(([user, { role, organisation }]) =>
    organisations.map((meantFor) => ({ user, role, organisation, meantFor })),
  )
  return [
    ...through.flatMap((name) => attributes.map((attribute) => ({ through: name, attribute }))),
    ...persons.flatMap((person) => [
      ...through.map((name) => ({ through: name, attribute: 'gateway', person })),
      // Her own token through a certificate that is no gateway's.
      ...['operator', 'admin', null].map((attribute) => ({ through: person.meantFor, attribute, person })),
    ]),
  ]
}

async function submitterOf(world: World, { through, attribute, person }: Caller): Promise<Submitter> {
  const token = person && (await world.as(person.user as User, { through: person.meantFor })).token
  return {
    organisation: through ?? 'north',
    attribute,
    ...(through === undefined && { mspId: 'StrangerMSP' }),
    ...(token !== undefined && { token }),
  }
}

async function outcomeOf(
  world: World,
  name: TransactionName,
  fields: Requests[TransactionName],
  submitter: Submitter,
): Promise<string> {
  try {
    const { writes } = await world.endorse(name, fields, submitter)
    const isSubmitted = transactions[name].mode === 'submit'
    return writes.length > 0 === isSubmitted ? 'done' : `${writes.length} writes`
  } catch (error) {
    return error instanceof MedledgerError ? error.code : String(error)
  }
}

const nameOf = ({ through = 'a stranger', attribute, person }: Caller): string =>
  `${person ? `${person.user} with a token for ${person.meantFor}` : 'nobody'} through ${through}, ${attribute}`

describe.each(Object.entries(topologies))(
  'with the %s topology’s constitution',
  (_name, { constitution }) => {
    let world: World
    const requests = new Map<Custodian, Requests>()
    const callers: (readonly [Caller, Submitter])[] = []
    beforeAll(async () => {
      world = await demoWorld(constitution)
      for (const custodian of custodians) requests.set(custodian, await requestsAbout(world, custodian))
      for (const caller of allCallers()) callers.push([caller, await submitterOf(world, caller)])
    })

    test.each(names)(
      '%s is for those callers, through those certificates, whom the rules name',
      async (name) => {
        const differences: string[] = []
        for (const [custodian, about] of requests) {
          const { members } = placementOf(constitution, custodian)
          for (const [caller, submitter] of callers) {
            const must = expected(name, caller, { custodian, members })
            const did = await outcomeOf(world, name, about[name], submitter)
            verdicts.set(must, (verdicts.get(must) ?? 0) + 1)
            if (did !== must)
              differences.push(`${nameOf(caller)}, about ${custodian}: ${did} instead of ${must}`)
          }
        }
        expect(differences.slice(0, 20)).toEqual([])
      },
      120_000,
    )
  },
)
