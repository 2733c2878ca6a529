import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { startEmbeddedNetwork } from '../../scripts/network/embedded/index.ts'
import { peerFiles } from '../../scripts/network/docker/container-files.ts'
import { issueCredentials, type Credentials } from '../../scripts/network/issue.ts'
import { credentialsOf } from '../../scripts/network/profile.ts'
import { addressOf } from '../../scripts/network/reach.ts'
import { demoTopology, type Topology } from '../../scripts/network/topology.ts'
import { exited, startChaincode } from '../scripts/network/embedded/support.ts'
import { testPort } from '../support/ports.ts'
import type { Programs } from './programs.ts'

/* Fabric's own command line against the embedded network, as an administrator would use it. */

/** One thing that an administrator does, and what came of it: it works, it has a fault, or a program for it is not at hand. */
export interface Tried {
  readonly what: string
  readonly fault?: string
  readonly missing?: string
}

interface Bench {
  readonly programs: Programs
  readonly directory: string
  readonly topology: Topology
  readonly credentials: Credentials
}

const execute = promisify(execFile)

const text = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

class ProgramMissing extends Error {}

/**
 * Runs one of Fabric's programs as an organisation's administrator. Errors: ProgramMissing naming it; Error with what it said
 * when it fails.
 */
async function run(
  bench: Bench,
  organisation: string,
  program: string,
  args: readonly string[],
): Promise<string> {
  const home = join(bench.directory, organisation)
  const { mspId } = credentialsOf(bench.credentials, organisation)
  const environment = {
    HOME: home,
    FABRIC_CFG_PATH: home,
    FABRIC_LOGGING_SPEC: 'ERROR:chaincodeCmd=INFO',
    CORE_PEER_LOCALMSPID: mspId,
    CORE_PEER_MSPCONFIGPATH: join(home, 'msp'),
    CORE_PEER_ADDRESS: addressOf(bench.topology, 'peer', organisation),
    CORE_PEER_TLS_ENABLED: 'true',
    CORE_PEER_TLS_ROOTCERT_FILE: join(home, 'tls/ca.pem'),
  }
  const { directory } = bench
  const command = bench.programs.command(program, args, { directory, environment })
  if (command === undefined) throw new ProgramMissing(`there is no ${program}`)
  const { stdout, stderr } = await execute(command.file, [...command.args], {
    cwd: directory,
    env: command.env,
  })
  return stdout + stderr
}

/** The folder of an administrator: an MSP with her own certificate, and the least configuration that `peer` starts with. */
function writeHome({ directory, credentials }: Bench, organisation: string): void {
  const own = credentialsOf(credentials, organisation)
  const files = {
    ...peerFiles(organisation, { ...own, peer: own.admin }),
    'core.yaml': JSON.stringify({ peer: { BCCSP: { Default: 'SW', SW: { Hash: 'SHA2', Security: 256 } } } }),
  }
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, organisation, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content, { mode: 0o600 })
  }
}

function expectText(found: string, wanted: string): void {
  if (!found.includes(wanted))
    throw new Error(`it said ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
}

interface Config {
  readonly channel_group: {
    readonly groups: {
      readonly Orderer: { readonly values: { BatchTimeout: { value: { timeout: string } } } }
    }
  }
  readonly sequence?: string
}

/** The tools as an administrator of North has them, with files in the bench's folder. */
function createTools(bench: Bench) {
  const { directory, topology, credentials } = bench
  const { channel } = topology.constitution
  const [ordering] = topology.orderers
  const at = (name: string): string => join(directory, name)
  const toOrderer = [
    '-o',
    addressOf(topology, 'orderer', ordering),
    '--tls',
    '--cafile',
    at(`${ordering}/tls/ca.pem`),
  ]
  const endorsers = ['north', 'south'].flatMap((name) => [
    '--peerAddresses',
    addressOf(topology, 'peer', name),
    '--tlsRootCertFiles',
    credentialsOf(credentials, name).tlsCa.certificateFile,
  ])
  const peer = (...args: readonly string[]): Promise<string> => run(bench, 'north', 'peer', args)
  const translate = (...args: readonly string[]): Promise<string> =>
    run(bench, 'north', 'configtxlator', args)
  const chaincode = (...args: readonly string[]): readonly string[] => [
    '-C',
    channel,
    '-n',
    topology.chaincode.name,
    '-c',
    JSON.stringify({ Args: args }),
  ]
  return {
    channel,
    ordering,
    at,
    toOrderer,
    peer,
    translate,
    fetch: (which: string, file: string) =>
      peer('channel', 'fetch', which, at(file), '-c', channel, ...toOrderer),
    invoke: (...args: readonly string[]) =>
      peer('chaincode', 'invoke', ...toOrderer, ...endorsers, ...chaincode(...args), '--waitForEvent'),
    query: (...args: readonly string[]) => peer('chaincode', 'query', ...chaincode(...args)),
    decode: async (type: string, from: string, to: string): Promise<unknown> => {
      await translate('proto_decode', '--type', type, '--input', at(from), '--output', at(to))
      return text(at(to))
    },
    encode: (type: string, from: string, to: string) =>
      translate('proto_encode', '--type', type, '--input', at(from), '--output', at(to)),
  }
}

type Tools = ReturnType<typeof createTools>

async function configIn(tools: Tools, block: string): Promise<Config> {
  const decoded = (await tools.decode('common.Block', block, `${block}.json`)) as {
    data: { data: [{ payload: { data: { config: Config } } }] }
  }
  return decoded.data.data[0].payload.data.config
}

/** Gives the orderer another batch timeout, step by step as Fabric's documentation has it. */
async function updateConfiguration(tools: Tools, bench: Bench): Promise<void> {
  const { at, channel, encode, decode } = tools
  const config = await configIn(tools, 'config.block')
  writeFileSync(at('before.json'), JSON.stringify(config))
  config.channel_group.groups.Orderer.values.BatchTimeout.value.timeout = '75ms'
  writeFileSync(at('after.json'), JSON.stringify(config))
  for (const name of ['before', 'after']) await encode('common.Config', `${name}.json`, `${name}.pb`)
  const [original, updated, output] = [at('before.pb'), at('after.pb'), at('update.pb')]
  const compared = ['--original', original, '--updated', updated, '--output', output]
  await tools.translate('compute_update', '--channel_id', channel, ...compared)
  const update = await decode('common.ConfigUpdate', 'update.pb', 'update.json')
  const header = { channel_header: { channel_id: channel, type: 2 } }
  const envelope = { payload: { header, data: { config_update: update } } }
  writeFileSync(at('envelope.json'), JSON.stringify(envelope))
  await encode('common.Envelope', 'envelope.json', 'envelope.pb')
  await run(bench, tools.ordering, 'peer', ['channel', 'signconfigtx', '-f', at('envelope.pb')])
  await tools.peer('channel', 'update', '-f', at('envelope.pb'), '-c', channel, ...tools.toOrderer)
  await tools.fetch('config', 'updated.block')
  const after = await configIn(tools, 'updated.block')
  expectText(after.channel_group.groups.Orderer.values.BatchTimeout.value.timeout, '75ms')
  expectText(String(after.sequence), '1')
}

async function translateBlocks({ at, decode, encode, fetch }: Tools): Promise<void> {
  await fetch('2', '2.block')
  for (const name of ['0', '1', '2']) {
    const before = await decode('common.Block', `${name}.block`, `${name}.json`)
    await encode('common.Block', `${name}.json`, `${name}.again`)
    const after = await decode('common.Block', `${name}.again`, `${name}.twice`)
    if (JSON.stringify(before) !== JSON.stringify(after))
      throw new Error(`block ${at(name)} is another one after decoding and encoding`)
  }
}

/** What is tried, in an order in which each may use what the ones before have left. */
function trials(bench: Bench): ReadonlyArray<readonly [string, () => Promise<void>]> {
  const tools = createTools(bench)
  const { channel, fetch, peer } = tools
  return [
    [
      'peer channel getinfo',
      async () => expectText(await peer('channel', 'getinfo', '-c', channel), '"height":2'),
    ],
    [
      'peer channel fetch 0, 1, newest, config',
      async () => {
        for (const which of ['0', '1', 'newest', 'config']) await fetch(which, `${which}.block`)
      },
    ],
    [
      'peer chaincode invoke --waitForEvent, endorsed by two peers',
      async () => expectText(await tools.invoke('put', 'tool', 'kept'), 'committed with status (VALID)'),
    ],
    ['peer chaincode query', async () => expectText(await tools.query('get', 'tool'), 'kept')],
    [
      'configtxlator proto_decode and proto_encode of a configuration, a definition and a transaction',
      () => translateBlocks(tools),
    ],
    [
      'configtxgen -inspectBlock',
      async () =>
        expectText(
          await run(bench, 'north', 'configtxgen', ['-inspectBlock', tools.at('0.block')]),
          'SouthMSP',
        ),
    ],
    [
      'configtxlator compute_update, peer channel signconfigtx, peer channel update',
      () => updateConfiguration(tools, bench),
    ],
  ]
}

/** Tries Fabric's tools on a network of their own. @param directory an empty folder */
export async function tryTools(programs: Programs, directory: string): Promise<readonly Tried[]> {
  const topology = demoTopology(testPort(880))
  const credentials = await issueCredentials(topology, join(directory, 'credentials'))
  const network = await startEmbeddedNetwork({
    topology,
    credentials,
    directory: join(directory, 'network'),
    log: () => undefined,
  })
  const names = topology.constitution.organisations.map(({ name }) => name)
  const chaincodes = names.map((name) => startChaincode(topology, credentials, name))
  const bench = { programs, directory, topology, credentials }
  try {
    await network.chaincodeReady()
    for (const name of names) writeHome(bench, name)
    const tried: Tried[] = []
    for (const [what, attempt] of trials(bench)) tried.push({ what, ...(await outcomeOf(attempt)) })
    return tried
  } finally {
    await network.close()
    for (const child of chaincodes) child.kill('SIGKILL')
    await Promise.all(chaincodes.map(exited))
  }
}

async function outcomeOf(attempt: () => Promise<void>): Promise<Omit<Tried, 'what'>> {
  try {
    await attempt()
    return {}
  } catch (error) {
    const { message } = error as Error
    return error instanceof ProgramMissing ? { missing: message } : { fault: message }
  }
}
