import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { peerFiles } from '../../scripts/network/docker/container-files.ts'
import { connectPeer, type NodeEndpoint } from '../../scripts/network/docker/node-client.ts'
import {
  envelopeOf,
  payloadOf,
  seekEnvelope,
  signCall,
  type Call,
} from '../../scripts/network/docker/proposal.ts'
import { chaincodeAddress } from '../../scripts/network/embedded/chaincode/environment.ts'
import { decodeBlock, type Block } from '../../scripts/network/fabric/block.ts'
import {
  build,
  bytes,
  common,
  decode,
  encode,
  peer as messages,
} from '../../scripts/network/fabric/message.ts'
import { createSigner, type Signer } from '../../scripts/network/fabric/signer.ts'
import type { Credentials } from '../../scripts/network/issue.ts'
import { hostOf } from '../../scripts/network/names.ts'
import { credentialsOf } from '../../scripts/network/profile.ts'
import { ordererPort, type Topology } from '../../scripts/network/topology.ts'
import { poll } from '../support/poll.ts'
import type { Programs } from './programs.ts'
import { requestSnapshot } from './snapshot.ts'
import { testPort } from '../support/ports.ts'

/* A peer of Fabric itself, which joins a channel of ours and judges every block by its own rules. */

export interface RealPeerOptions {
  readonly programs: Programs
  /** Its own folder, which does not exist. */
  readonly directory: string
  readonly topology: Topology
  readonly credentials: Credentials
  /** Whose peer it is. */
  readonly organisation: string
}

/** A peer while it runs. */
export interface RealPeer {
  /** What it answers to a call, of its administrator unless said otherwise. Errors: PeerRefusal; gRPC's. */
  ask(call: Call, by?: Signer): Promise<Buffer>
  /** The transaction of a call that this peer endorses, and that others sign unseen. Errors: as {@link ask}. */
  endorse(call: Call, others?: readonly Signer[]): Promise<Buffer>
  /** Where it answers clients. */
  readonly endpoint: NodeEndpoint
  join(genesis: Buffer): Promise<void>
  height(): Promise<number>
  /** Its blocks from the first to a last one. */
  blocks(last: number): AsyncGenerator<Block>
  /** Has its state as of its last block written to files, and gives their folder. */
  snapshot(last: number): Promise<string>
  /** The end of what it has said. */
  said(): string
  stop(): Promise<void>
}

const orderersAuthority = 'tls/orderers-ca.pem'
const offset = { listen: 960, chaincode: 961, operations: 962 } as const
const startMs = 20_000
const stopMs = 5000

/** What is not in it has Fabric's defaults; gossip has nobody to talk to, and private data never come from others. */
function configuration({ directory, topology, credentials, organisation }: RealPeerOptions): unknown {
  const listenAddress = `127.0.0.1:${testPort(offset.listen)}`
  const address = `localhost:${testPort(offset.listen)}`
  const [ordering] = topology.orderers
  const port = ordererPort(topology)
  const inHome = (path: string): string => join(directory, path)
  return {
    peer: {
      id: 'oracle',
      networkId: 'oracle',
      listenAddress,
      address,
      chaincodeListenAddress: `127.0.0.1:${testPort(offset.chaincode)}`,
      localMspId: credentialsOf(credentials, organisation).mspId,
      localMspType: 'bccsp',
      mspConfigPath: inHome('msp'),
      fileSystemPath: inHome('data'),
      BCCSP: { Default: 'SW', SW: { Hash: 'SHA2', Security: 256 } },
      tls: {
        enabled: true,
        cert: { file: inHome('tls/cert.pem') },
        key: { file: inHome('tls/key.pem') },
        rootcert: { file: inHome('tls/ca.pem') },
      },
      gossip: {
        bootstrap: address,
        useLeaderElection: false,
        orgLeader: true,
        state: { enabled: false },
        pvtData: {
          pullRetryThreshold: '0s',
          reconciliationEnabled: false,
          transientstoreMaxBlockRetention: 1000,
          implicitCollectionDisseminationPolicy: { requiredPeerCount: 0, maxPeerCount: 0 },
        },
      },
      deliveryclient: {
        blockGossipEnabled: false,
        reconnectTotalTimeThreshold: '3600s',
        reConnectBackoffThreshold: '1s',
        connTimeout: '3s',
        addressOverrides: [
          {
            from: `${hostOf('orderer', ordering)}:${port}`,
            to: `localhost:${port}`,
            caCertsFile: inHome(orderersAuthority),
          },
        ],
      },
      handlers: {
        authFilters: [{ name: 'DefaultAuth' }],
        decorators: [{ name: 'DefaultDecorator' }],
        endorsers: { escc: { name: 'DefaultEndorsement' } },
        validators: { vscc: { name: 'DefaultValidation' } },
      },
      discovery: { enabled: false },
      gateway: { enabled: false },
      maxRecvMsgSize: 104_857_600,
      maxSendMsgSize: 104_857_600,
    },
    chaincode: {
      mode: 'net',
      externalBuilders: [{ name: 'service', path: inHome('builder') }],
      startuptimeout: '30s',
      executetimeout: '30s',
      installTimeout: '30s',
      system: { _lifecycle: 'enable', cscc: 'enable', lscc: 'enable', qscc: 'enable' },
    },
    ledger: {
      state: { stateDatabase: 'goleveldb', totalQueryLimit: 100_000 },
      history: { enableHistoryDatabase: true },
      snapshots: { rootDir: inHome('snapshots') },
    },
    operations: { listenAddress: `127.0.0.1:${testPort(offset.operations)}` },
    metrics: { provider: 'disabled' },
  }
}

/** Fabric's external builder for a chaincode that is a process already: all that it has to say is where. */
function builderFiles({ topology, credentials, organisation }: RealPeerOptions): Record<string, string> {
  const { tls, tlsCa } = credentialsOf(credentials, organisation)
  const server = {
    address: chaincodeAddress(topology, organisation),
    dial_timeout: '10s',
    tls_required: true,
    client_auth_required: true,
    client_key: tls.peer.privateKey,
    client_cert: tls.peer.certificate,
    root_cert: tlsCa.certificate,
  }
  const script = (...lines: readonly string[]): string => ['#!/bin/sh', 'set -e', ...lines, ''].join('\n')
  return {
    'builder/connection.json': JSON.stringify(server),
    'builder/bin/detect': script('grep -q ccaas "$2/metadata.json"'),
    'builder/bin/build': script('cp "$1/connection.json" "$3/"'),
    'builder/bin/release': script(
      'mkdir -p "$2/chaincode/server"',
      'cp "$(dirname "$0")/../connection.json" "$2/chaincode/server/"',
    ),
  }
}

function writeHome(options: RealPeerOptions): void {
  const { directory, topology, credentials, organisation } = options
  const [ordering] = topology.orderers
  const files = {
    ...peerFiles(organisation, credentialsOf(credentials, organisation)),
    [orderersAuthority]: credentialsOf(credentials, ordering).tlsCa.certificate,
    // JSON is YAML.
    'core.yaml': JSON.stringify(configuration(options), undefined, 2),
    ...builderFiles(options),
  }
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path)
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, content, { mode: path.startsWith('builder/bin/') ? 0o700 : 0o600 })
  }
}

const text = (value: string): Buffer => Buffer.from(value)

/** The same answer, as if another peer had given it. */
function endorsedBy(signer: Signer, answer: Buffer): Buffer {
  const response = decode(messages.ProposalResponse, answer)
  const { identity } = signer
  const signature = signer.sign(bytes(response.getPayload_asU8()), identity)
  response.setEndorsement(build(messages.Endorsement, { endorser: identity, signature }))
  return encode(response)
}

/** Starts the peer; it is on no channel yet. Errors: Error with the end of its log when it does not come up. */
export async function startRealPeer(options: RealPeerOptions): Promise<RealPeer> {
  const { programs, directory, topology, credentials, organisation } = options
  writeHome(options)
  const environment = { FABRIC_CFG_PATH: directory, FABRIC_LOGGING_SPEC: 'WARN', HOME: directory }
  const command = programs.command('peer', ['node', 'start'], { directory, environment })
  if (command === undefined) throw new Error('there is no `peer`')
  const logFile = join(directory, 'peer.log')
  const child = spawn(command.file, command.args, {
    cwd: directory,
    env: command.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  const said = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8').slice(-6000) : '')

  const { mspId, admin, tlsCa } = credentialsOf(credentials, organisation)
  const signer = createSigner(mspId, admin)
  const endpoint = { address: `localhost:${testPort(offset.listen)}`, authority: tlsCa.certificate }
  const client = connectPeer(endpoint)
  const { channel } = topology.constitution
  const ask = async (call: Call, by = signer): Promise<Buffer> =>
    payloadOf(await client.propose(signCall(call, by, Date.now()).proposal))
  const stop = async (): Promise<void> => {
    client.close()
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      command.end()
    }, stopMs)
    child.kill('SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await exited
    clearTimeout(timer)
  }
  try {
    await poll(
      'the peer answers',
      async () => {
        const call = { channel: '', chaincode: 'cscc', args: [text('GetChannels')] }
        const answered = ask(call).catch(() => undefined)
        const ended = exited.then(() => {
          throw new Error('the peer ended')
        })
        return Promise.race([answered, ended])
      },
      { deadlineMs: startMs },
    )
  } catch (error) {
    await stop()
    throw new Error(`${(error as Error).message}; the peer said:\n${said()}`, { cause: error })
  }
  return {
    ask,
    endpoint,
    async endorse(call, others = []) {
      const signed = signCall(call, signer, Date.now())
      const answer = await client.propose(signed.proposal)
      payloadOf(answer)
      return envelopeOf(signed, [answer, ...others.map((other) => endorsedBy(other, answer))], signer)
    },
    said,
    stop,
    join: async (genesis) =>
      void (await ask({ channel: '', chaincode: 'cscc', args: [text('JoinChain'), genesis] })),
    async height() {
      const args = [text('GetChainInfo'), text(channel)]
      return decode(common.BlockchainInfo, await ask({ channel, chaincode: 'qscc', args })).getHeight()
    },
    async *blocks(last) {
      for await (const block of client.deliver(seekEnvelope(channel, last, signer, Date.now())))
        yield decodeBlock(block)
    },
    async snapshot(last) {
      await requestSnapshot(endpoint, channel, signer)
      const folder = join(directory, 'snapshots', 'completed', channel, String(last))
      return poll('the snapshot is there', () => (existsSync(folder) ? folder : undefined))
    },
  }
}
