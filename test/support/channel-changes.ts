import { join } from 'node:path'
import { definitionState } from '../../scripts/network/embedded/channel/lifecycle.ts'
import { configurationEnvelope } from '../../scripts/network/embedded/configuration/transaction.ts'
import { lifecycleName, systemVersion, type Definition } from '../../scripts/network/fabric/definition.ts'
import {
  applicationOrganisation,
  mspConfiguration,
  organisationConfiguration,
} from '../../scripts/network/fabric/genesis.ts'
import { build, encoded, kvrwset, orderer, type common } from '../../scripts/network/fabric/message.ts'
import { createSigner, type Signer } from '../../scripts/network/fabric/signer.ts'
import { issueCredentials, type Credentials } from '../../scripts/network/issue.ts'
import { credentialsOf } from '../../scripts/network/profile.ts'
import { createRevocationList } from '../../scripts/network/revocations.ts'
import { forge, resultsOf } from '../scripts/network/embedded/attacks/forge.ts'
import type { Topology } from '../../scripts/network/topology.ts'
import type { World } from '../scripts/network/embedded/attacks/world.ts'
import { groupAt, setValue, updateEnvelope } from './channel-update.ts'

/** A change of a channel's configuration, and the organisations whose administrators have to agree. */
export interface Change {
  readonly apply: (tree: common.ConfigGroup) => void
  readonly by: readonly string[]
}

/** The update of a change, signed by who has to agree, or by others. */
export const updateOf = (world: World, { apply, by }: Change, signers = by): Buffer =>
  updateEnvelope({
    channel: world.channel.name,
    current: world.configuration().elements,
    change: apply,
    signers: signers.map((name) => world.of(name, 'admin')),
    sender: world.of('north', 'admin'),
  })

/** The transaction that the orderer makes of a change. */
export const configurationOf = (world: World, change: Change): Buffer =>
  configurationEnvelope(
    updateOf(world, change),
    world.channel.name,
    world.configuration(),
    world.of('authority', 'orderer'),
    Date.now(),
  )

export const batchTimeout = (timeoutMs: number): Change => ({
  apply: (tree) =>
    setValue(
      groupAt(tree, 'Orderer'),
      'BatchTimeout',
      encoded(orderer.BatchTimeout, { timeout: `${timeoutMs}ms` }),
    ),
  by: ['authority'],
})

export const batchSize = (
  changes: Partial<Record<'maxMessageCount' | 'absoluteMaxBytes' | 'preferredMaxBytes', number>>,
): Change => ({
  apply: (tree) =>
    setValue(
      groupAt(tree, 'Orderer'),
      'BatchSize',
      encoded(orderer.BatchSize, {
        maxMessageCount: 10,
        absoluteMaxBytes: 1_000_000,
        preferredMaxBytes: 1_000_000,
        ...changes,
      }),
    ),
  by: ['authority'],
})

/** South's MSP with a revocation list of these certificates (PEM), or with none. */
export async function revocations(world: World, certificates: readonly string[]): Promise<Change> {
  const south = organisationConfiguration(world.credentials, 'south')
  const { ca } = credentialsOf(world.credentials, 'south')
  const lists = certificates.length === 0 ? [] : [await createRevocationList(ca, certificates, Date.now())]
  const content = mspConfiguration({ ...south, revocations: lists })
  return {
    apply: (tree) => setValue(groupAt(tree, 'Application', south.mspId), 'MSP', content),
    by: ['south'],
  }
}

const west = {
  name: 'west',
  title: 'West Hospital',
  mspId: 'WestMSP',
  audience: 'urn:medledger:gateway:west',
}

/** A topology with West beside the others, who holds nobody's placement. */
export function withWest(topology: Topology): Topology {
  const { constitution } = topology
  const organisations = [...constitution.organisations, west]
  return { ...topology, constitution: { ...constitution, organisations } }
}

/** An organisation that is not on the channel from its first block. */
export interface Newcomer {
  readonly credentials: Credentials
  readonly of: (part: 'peer' | 'gateway' | 'admin') => Signer
  readonly mspId: string
  readonly join: Change
  readonly leave: Change
}

/** Makes West, with certificates in a folder of its own. */
export async function createNewcomer(
  { topology }: Pick<World, 'topology'>,
  directory: string,
): Promise<Newcomer> {
  const { mspId } = west
  const constitution = { ...topology.constitution, organisations: [west] }
  const credentials = await issueCredentials({ ...topology, constitution }, join(directory, 'west'))
  const own = credentialsOf(credentials, 'west')
  const by = ['north', 'authority']
  return {
    credentials,
    mspId,
    of: (part) => createSigner(mspId, own[part]),
    join: {
      apply: (tree) =>
        void groupAt(tree, 'Application')
          .getGroupsMap()
          .set(mspId, applicationOrganisation(organisationConfiguration(credentials, 'west'))),
      by,
    },
    // Of four, a majority is three.
    leave: {
      apply: (tree) => void groupAt(tree, 'Application').getGroupsMap().del(mspId),
      by: [...by, 'south'],
    },
  }
}

/** What of a definition is written, by key; undefined deletes. */
type Fields = ReadonlyMap<string, Buffer | undefined>

/** A transaction of `_lifecycle` that writes these. */
export function lifecycleEnvelope(fields: Fields, creator: Signer, endorsers: readonly Signer[]): Buffer {
  const writesList = [...fields].map(([key, value]) =>
    build(kvrwset.KVWrite, { key, value, isDelete: value === undefined }),
  )
  const results = resultsOf({ namespace: lifecycleName, set: encoded(kvrwset.KVRWSet, { writesList }) })
  const made = { chaincode: lifecycleName, version: systemVersion, results }
  return forge({ creator, endorsers, ...made }).envelope
}

/** The transaction that commits another definition of a chaincode. */
export const redefinition = (
  definition: Definition,
  sequence: number,
  creator: Signer,
  endorsers: readonly Signer[],
): Buffer => lifecycleEnvelope(definitionState(definition, sequence), creator, endorsers)
