import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectPeer } from '../../scripts/network/docker/node-client.ts'
import { payloadOf, seekEnvelope, signCall } from '../../scripts/network/docker/proposal.ts'
import { readTransaction } from '../../scripts/network/embedded/ledger/transaction.ts'
import { codeName } from '../../scripts/network/embedded/ledger/validation-code.ts'
import {
  decodeBlock,
  encodeBlock,
  validationCodesOf,
  type Block,
} from '../../scripts/network/fabric/block.ts'
import { common, decode } from '../../scripts/network/fabric/message.ts'
import { createSigner } from '../../scripts/network/fabric/signer.ts'
import { issueCredentials, type Credentials } from '../../scripts/network/issue.ts'
import { credentialsOf } from '../../scripts/network/profile.ts'
import { addressOf } from '../../scripts/network/reach.ts'
import type { Topology } from '../../scripts/network/topology.ts'
import { pathsIn } from '../../scripts/start/paths.ts'
import { startInstance } from '../support/instance.ts'
import { testPort } from '../support/ports.ts'
import { blockDifferences, follow, type Verdict } from './chain.ts'
import type { Programs } from './programs.ts'
import { startRealPeer } from './real-peer.ts'

/* What the product itself puts on its chain, through its own chaincode: the end-to-end suite runs on an instance. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const organisation = 'north'

/** Runs the end-to-end suite on an instance. Errors: Error with what it said when a test fails. */
function runSuite(data: string): Promise<void> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts']
  const child = spawn(process.execPath, [...args, '--project', 'end-to-end-narrow'], {
    cwd: root,
    env: { ...process.env, MEDLEDGER_TEST_INSTANCE: data },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (content: Buffer) => (output += content.toString()))
  child.stderr.on('data', (content: Buffer) => (output += content.toString()))
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`the end-to-end suite failed on the instance:\n${output}`))
    })
  })
}

/** The blocks of an embedded peer. */
async function blocksOf(topology: Topology, credentials: Credentials): Promise<Block[]> {
  const { mspId, admin, tlsCa } = credentialsOf(credentials, organisation)
  const peer = connectPeer({
    address: addressOf(topology, 'peer', organisation),
    authority: tlsCa.certificate,
  })
  const { channel } = topology.constitution
  const signer = createSigner(mspId, admin)
  const blocks: Block[] = []
  const args = ['GetChainInfo', channel].map((word) => Buffer.from(word))
  const call = signCall({ channel, chaincode: 'qscc', args }, signer, Date.now())
  try {
    const info = payloadOf(await peer.propose(call.proposal))
    const last = decode(common.BlockchainInfo, info).getHeight() - 1
    for await (const block of peer.deliver(seekEnvelope(channel, last, signer, Date.now())))
      blocks.push(decodeBlock(block))
    return blocks
  } finally {
    peer.close()
  }
}

/**
 * Lines for writes with which a peer of Fabric 2.5.16 can be stopped (README, "The embedded network"): metadata, a deletion or
 * purge, one key twice. A peer that has judged the chain to its end has met no undefined collection.
 */
function hazardsIn({ number, envelopes }: Block, chaincode: string): string[] {
  return envelopes.map(readTransaction).flatMap(({ action, unsupported = [] }) => {
    const own = (action?.namespaces ?? []).filter(({ namespace }) => namespace === chaincode)
    const writes = own.flatMap((set) => [set, ...set.collections]).flatMap((set) => set.writes)
    const deletions = writes.filter(({ value }) => value === undefined).map(() => 'a deletion')
    return [...unsupported, ...deletions].map((what) => `block ${number}: the product has written ${what}`)
  })
}

/** Lets a real peer join the chain of an instance on which the end-to-end suite has run, and compares the verdicts. */
export async function judgeProduct(programs: Programs, directory: string): Promise<Verdict> {
  const data = join(directory, 'instance')
  const instance = await startInstance(data, ['--topology', 'narrow', '--port', String(testPort(900))])
  try {
    await runSuite(data)
    const { topology } = JSON.parse(readFileSync(pathsIn(data).instance, 'utf8')) as { topology: Topology }
    const credentials = await issueCredentials(topology, pathsIn(data).credentials)
    const ours = await blocksOf(topology, credentials)
    const theirs: Block[] = []
    const peer = await startRealPeer({
      programs,
      directory: join(directory, 'fabric'),
      topology,
      credentials,
      organisation,
    })
    try {
      await peer.join(genesisOf(ours))
      await follow(peer, ours.length)
      for await (const block of peer.blocks(ours.length - 1)) theirs.push(block)
    } finally {
      await peer.stop()
    }
    const codes = new Map<string, number>()
    for (const code of ours.flatMap(validationCodesOf))
      codes.set(codeName(code), (codes.get(codeName(code)) ?? 0) + 1)
    const differences = ours.flatMap((block, index) => {
      const other = theirs[index]
      return other === undefined ? [`block ${index}: Fabric has none`] : blockDifferences(block, other, [])
    })
    differences.push(...ours.flatMap((block) => hazardsIn(block, topology.chaincode.name)))
    const kinds = new Map([['through the product’s chaincode', ours.flatMap(validationCodesOf).length]])
    return { blocks: ours.length, codes, kinds, differences, judged: theirs }
  } finally {
    await instance.interrupt()
  }
}

/** The first block as the orderer has it: without a peer's verdict. */
function genesisOf([genesis]: readonly Block[]): Buffer {
  if (genesis === undefined) throw new RangeError('the chain is empty')
  return encodeBlock(genesis)
}
