import { readFile } from 'node:fs/promises'
import { check, Constitution, organisationNamed } from 'medledger-chaincode/api'
import { connectFabric, type ConnectionProfile, type LedgerTransport } from 'medledger-gateway/ledger'
import { issueCredentials } from '../network/issue.ts'
import { connectionProfile, credentialsOf } from '../network/profile.ts'
import type { Paths } from './paths.ts'
import type { Prepared } from './prepare.ts'
import { readInstanceSettings } from './settings.ts'

/** One organisation's operator at the ledger. */
export interface Operator {
  readonly constitution: Constitution
  readonly transport: LedgerTransport
}

/** Set where the peers of a network of containers can be reached: in its containers. */
const insideVariable = 'MEDLEDGER_INSIDE'

type Log = Parameters<typeof connectFabric>[0]['log']

/** Connects with the operator's certificate of an instance's organisation. */
export function connectOperator(
  { topology, credentials }: Pick<Prepared, 'topology' | 'credentials'>,
  organisation: string,
  log: Log,
): Promise<LedgerTransport> {
  const { operator, mspId } = credentialsOf(credentials, organisation)
  const { certificate, privateKey } = operator
  return connectFabric({
    profile: connectionProfile(topology, credentials, organisation),
    channel: topology.constitution.channel,
    chaincode: topology.chaincode.name,
    mspOf: (name) => credentialsOf(credentials, name).mspId,
    organisation,
    identity: { mspId, certificate, privateKey },
    log,
  })
}

/**
 * The operator of an organisation: of the instance in a data directory, or of the network that the environment describes
 * (`MEDLEDGER_OPERATOR_CERTIFICATE_FILE` and `MEDLEDGER_OPERATOR_PRIVATE_KEY_FILE`, with a gateway's
 * `MEDLEDGER_CONSTITUTION_FILE`, `MEDLEDGER_CONNECTION_PROFILE_FILE` and `MEDLEDGER_CHAINCODE`).
 * Errors: one line about what is missing.
 */
export async function openOperator(
  paths: Paths,
  organisation: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Operator> {
  if (environment['MEDLEDGER_OPERATOR_CERTIFICATE_FILE'] !== undefined)
    return operatorOf(environment, organisation)
  const topology = await readInstanceSettings(paths)
  if (topology.kind === 'docker' && environment[insideVariable] !== 'true')
    throw new Error(
      'The peers of a network of containers are reached from inside only: use medledger network run, followed by this command.',
    )
  const credentials = await issueCredentials(topology, paths.credentials)
  const transport = await connectOperator({ topology, credentials }, organisation, () => {})
  return { constitution: topology.constitution, transport }
}

async function operatorOf(environment: NodeJS.ProcessEnv, organisation: string): Promise<Operator> {
  const read = (name: string): Promise<string> => {
    const file = environment[name]
    if (file === undefined) throw new Error(`${name} is not set.`)
    return readFile(file, 'utf8')
  }
  const value = JSON.parse(await read('MEDLEDGER_CONSTITUTION_FILE')) as unknown
  const constitution = check(Constitution, value, 'constitution')
  const { mspId } = organisationNamed(constitution, organisation)
  const transport = await connectFabric({
    profile: JSON.parse(await read('MEDLEDGER_CONNECTION_PROFILE_FILE')) as ConnectionProfile,
    channel: constitution.channel,
    chaincode: environment['MEDLEDGER_CHAINCODE'] ?? 'medledger',
    mspOf: (name) => organisationNamed(constitution, name).mspId,
    organisation,
    identity: {
      mspId,
      certificate: await read('MEDLEDGER_OPERATOR_CERTIFICATE_FILE'),
      privateKey: await read('MEDLEDGER_OPERATOR_PRIVATE_KEY_FILE'),
    },
    log: () => {},
  })
  return { constitution, transport }
}
