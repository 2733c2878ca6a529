import { common, msp, peer as protos } from '@hyperledger/fabric-protos'
import type { Endorser } from 'fabric-common'
import { MedledgerError, writeMessage, type Endorsers, type LedgerErrorCode } from 'medledger-chaincode/api'
import { createPrivateKey, randomUUID, sign, type KeyObject } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { nativeIdentityProvider, toX509 } from '../../../../gateway/src/ledger/fabric/identity.ts'
import { rememberHealth } from '../../../../gateway/src/ledger/fabric/node.ts'
import { Client } from '../../../../gateway/src/ledger/fabric/sdk.ts'
import { mostProposals, submit, type SubmitOptions } from '../../../../gateway/src/ledger/fabric/submit.ts'
import { createTail, type Seen, type Tail } from '../../../../gateway/src/ledger/fabric/tail.ts'
import type { LedgerLogLine, Sealed } from '../../../../gateway/src/ledger/port.ts'
import { createAuthority } from '../../../../scripts/network/certificates.ts'
import {
  blockOf,
  fakeOrderer,
  fakePeer,
  type OrdererBehaviour,
  type PeerBehaviour,
} from '../../../support/fabric-fakes.ts'

const names = ['north', 'south', 'authority'] as const
type Name = (typeof names)[number]

const anyTwo: Endorsers = { required: [], among: [...names], count: 2 }
const custodian: Endorsers = { required: ['north'], among: [...names], count: 2 }

const sealed: Sealed = {
  name: 'RequestAccess',
  commitment: 'commitment',
  transient: { request: Buffer.from('a private request') },
}

/** What a peer says that came to `result`. */
function endorsing(result: string): PeerBehaviour {
  const response = new protos.Response()
  response.setStatus(200)
  response.setPayload(Buffer.from(result))
  const action = new protos.ChaincodeAction()
  action.setResponse(response)
  const payload = new protos.ProposalResponsePayload()
  payload.setExtension$(action.serializeBinary())
  return {
    // The copy that nobody signs says something else, and must not be believed.
    response: { status: 200, message: '', payload: Buffer.from('unsigned') },
    payload: Buffer.from(payload.serializeBinary()),
    endorsement: { endorser: Buffer.alloc(0), signature: Buffer.alloc(0) },
  }
}

let signer: { readonly certificate: string; readonly key: KeyObject }

/** The same answer, endorsed by a peer of this MSP. */
function signedBy(mspId: string, behaviour: PeerBehaviour): PeerBehaviour {
  if (typeof behaviour === 'string' || behaviour instanceof Error || !behaviour.endorsement) return behaviour
  const identity = new msp.SerializedIdentity()
  identity.setMspid(mspId)
  identity.setIdBytes(Buffer.from(signer.certificate))
  const endorser = Buffer.from(identity.serializeBinary())
  const signature = sign('sha256', Buffer.concat([behaviour.payload, endorser]), signer.key)
  return { ...behaviour, endorsement: { endorser, signature } }
}

/** What a peer says that endorses with a signature over something else. */
function forging(result: string): PeerBehaviour {
  const behaviour = signedBy('south', endorsing(result))
  if (typeof behaviour === 'string' || behaviour instanceof Error) return behaviour
  return { ...behaviour, payload: Buffer.concat([behaviour.payload, Buffer.from([0x58, 1])]) }
}

const refusing = (code: LedgerErrorCode): PeerBehaviour => ({
  response: { status: 500, message: writeMessage(new MedledgerError(code, 'No.')), payload: Buffer.alloc(0) },
  payload: Buffer.alloc(0),
})

interface Envelope {
  readonly payload: Uint8Array
}

function transactionIdOf({ payload }: Envelope): string {
  const header = common.Payload.deserializeBinary(payload).getHeader()
  return common.ChannelHeader.deserializeBinary(header?.getChannelHeader_asU8() ?? new Uint8Array()).getTxId()
}

function endorsementsIn({ payload }: Envelope): number {
  const transaction = protos.Transaction.deserializeBinary(
    common.Payload.deserializeBinary(payload).getData_asU8(),
  )
  const [action] = transaction.getActionsList()
  const body = protos.ChaincodeActionPayload.deserializeBinary(action?.getPayload_asU8() ?? new Uint8Array())
  return body.getAction()?.getEndorsementsList().length ?? 0
}

interface World {
  readonly tail: Tail
  readonly ordered: Envelope[]
  readonly lines: LedgerLogLine[]
  readonly options: SubmitOptions
}

interface WorldOptions {
  readonly peers?: Partial<Record<Name, (call: number) => PeerBehaviour>>
  readonly orderer?: OrdererBehaviour
  /** The validation code of the nth transaction; undefined: no block ever has it. */
  readonly codes?: (count: number) => string | undefined
  readonly lookUp?: (transactionId: string) => Promise<Seen | undefined>
}

let base: Pick<SubmitOptions, 'channel' | 'newContext'>

beforeAll(async () => {
  const issued = await createAuthority({ commonName: 'gateway', organisation: 'North' }, Date.now())
  signer = { certificate: issued.certificate, key: createPrivateKey(issued.privateKey) }
  const identity = toX509({ mspId: 'NorthMSP', ...issued })
  const client = new Client('test')
  const user = await nativeIdentityProvider.getUserContext(identity, 'test')
  const context = client.newIdentityContext(user)
  base = {
    channel: client.newChannel('medledger'),
    newContext: () => context.calculateTransactionId(),
  }
})

function world({ peers = {}, orderer = 'SUCCESS', codes = () => 'VALID', lookUp }: WorldOptions = {}): World {
  const tail = createTail()
  tail.connection(true)
  const ordered: Envelope[] = []
  const lines: LedgerLogLine[] = []
  const nodes = new Map<string, readonly Endorser[]>(
    names.map((name) => {
      let calls = 0
      const behaviour = (signed: unknown): PeerBehaviour => {
        if (signed !== undefined) calls += 1
        const given = peers[name]?.(calls)
        return given ?? signedBy(name, endorsing('result'))
      }
      return [name, [fakePeer(`peer.${name}`, name, behaviour) as unknown as Endorser]]
    }),
  )
  const onSent = (envelope: unknown): void => {
    ordered.push(envelope as Envelope)
    const code = codes(ordered.length)
    const transactionId = transactionIdOf(envelope as Envelope)
    if (code !== undefined)
      setTimeout(() => tail.deliver(blockOf(ordered.length, [{ transactionId, code }])), 1)
  }
  const options: SubmitOptions = {
    ...base,
    chaincode: 'medledger',
    peersOf: (name) => nodes.get(name) ?? [],
    orderers: [fakeOrderer('orderer', orderer, onSent)],
    peerHealth: rememberHealth(1000),
    ordererHealth: rememberHealth(1000),
    tail,
    lookUp: lookUp ?? (() => Promise.resolve(undefined)),
    organisation: 'north',
    connectMs: 20,
    endorseTimeoutMs: 300,
    hedgeMs: 30,
    orderTimeoutMs: 50,
    commitTimeoutMs: 100,
    log: (line) => void lines.push(line),
  }
  return { tail, ordered, lines, options }
}

describe('submitting', () => {
  test('gives the id, the block and the result that was signed', async () => {
    const { options, ordered } = world()
    const { transactionId, block, payload } = await submit(sealed, anyTwo, options)
    const [envelope] = ordered
    expect(block).toBe(1)
    expect(envelope && transactionIdOf(envelope)).toBe(transactionId)
    expect(Buffer.from(payload).toString()).toBe('result')
  })

  test('orders as many endorsements as the policy needs, and no private data', async () => {
    const { options, ordered } = world({ peers: { north: () => refusing('CLOCK_SKEW') } })
    await submit(sealed, anyTwo, options)
    const [envelope] = ordered
    expect(envelope && endorsementsIn(envelope)).toBe(2)
    expect(Buffer.from(envelope?.payload ?? []).includes('a private request')).toBe(false)
    expect(Buffer.from(envelope?.payload ?? []).includes('commitment')).toBe(true)
  })

  test('a refusal orders nothing', async () => {
    const { options, ordered } = world({ peers: { north: () => refusing('FORBIDDEN') } })
    await expect(submit(sealed, custodian, options)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(ordered).toEqual([])
  })

  test.each(['away', 'hangs', new Error('14 UNAVAILABLE')] as const)(
    'a required peer that is %s makes the ledger unavailable, by name, and orders nothing',
    async (behaviour) => {
      const { options, ordered } = world({ peers: { north: () => behaviour } })
      await expect(submit(sealed, custodian, options)).rejects.toMatchObject({
        code: 'LEDGER_UNAVAILABLE',
        message: expect.stringContaining('north') as string,
      })
      expect(ordered).toEqual([])
    },
  )

  test.each(['away', 'hangs'] as const)('any other peer that is %s does not matter', async (behaviour) => {
    const { options } = world({ peers: { south: () => behaviour } })
    expect((await submit(sealed, custodian, options)).block).toBe(1)
    expect((await submit(sealed, anyTwo, options)).block).toBe(2)
  })

  test('results that differ for a moment are proposed anew', async () => {
    const { options, ordered } = world({
      peers: { north: (call) => signedBy('north', endorsing(call < 3 ? 'earlier' : 'result')) },
    })
    expect(Buffer.from((await submit(sealed, custodian, options)).payload).toString()).toBe('result')
    expect(ordered).toHaveLength(1)
  })

  test('results that go on differing are never ordered', async () => {
    const { options, ordered } = world({
      peers: Object.fromEntries(names.map((name) => [name, () => signedBy(name, endorsing(randomUUID()))])),
    })
    await expect(submit(sealed, anyTwo, options)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(ordered).toEqual([])
  })

  test('what changed meanwhile is proposed anew under another id', async () => {
    const { options, ordered } = world({
      codes: (count) => ['MVCC_READ_CONFLICT', 'PHANTOM_READ_CONFLICT'][count - 1] ?? 'VALID',
    })
    expect((await submit(sealed, anyTwo, options)).block).toBe(3)
    expect(new Set(ordered.map(transactionIdOf)).size).toBe(3)
  })

  test('what keeps changing is given up after five proposals', async () => {
    const { options, ordered } = world({ codes: () => 'MVCC_READ_CONFLICT' })
    await expect(submit(sealed, anyTwo, options)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' })
    expect(ordered).toHaveLength(mostProposals)
  })

  test('what goes on being invalid is given up after five proposals, with its code', async () => {
    const { options, ordered } = world({ codes: () => 'ENDORSEMENT_POLICY_FAILURE' })
    await expect(submit(sealed, anyTwo, options)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      message: expect.stringContaining('ENDORSEMENT_POLICY_FAILURE') as string,
    })
    expect(ordered).toHaveLength(mostProposals)
  })

  test('an endorser whose signature is not its own is passed over', async () => {
    const { options, ordered } = world({ peers: { south: () => forging('result') } })
    expect((await submit(sealed, anyTwo, options)).block).toBe(1)
    const [envelope] = ordered
    expect(Buffer.from(envelope?.payload ?? []).includes('authority')).toBe(true)
  })

  test('an endorser that made a transaction invalid is not asked again at once', async () => {
    const asked: string[] = []
    const peers = Object.fromEntries(
      names.map((name) => [
        name,
        () => {
          asked.push(name)
          return signedBy(name, endorsing('result'))
        },
      ]),
    )
    const { options } = world({
      peers,
      codes: (count) => (count === 1 ? 'ENDORSEMENT_POLICY_FAILURE' : 'VALID'),
    })
    expect((await submit(sealed, anyTwo, options)).block).toBe(2)
    expect(asked).toContain('authority')
  })

  test('who is to be asked last sees nothing while others suffice', async () => {
    const seen: unknown[] = []
    const { options } = world({
      peers: {
        south: (call) => {
          if (call > 0) seen.push(call)
          return signedBy('south', endorsing('result'))
        },
      },
    })
    await submit(sealed, { ...anyTwo, last: 'south' }, options)
    expect(seen).toEqual([])
  })

  test('one organisation alone cannot make a request seem answered', async () => {
    const two: Endorsers = { required: [], among: ['north', 'south'], count: 2 }
    const { options, ordered } = world({ peers: { south: () => refusing('NOT_FOUND') } })
    await expect(submit(sealed, two, options)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(ordered).toEqual([])
  })

  test('a transaction id that somebody else has used up is left for another', async () => {
    const { options, ordered } = world({ codes: (count) => (count === 1 ? 'DUPLICATE_TXID' : 'VALID') })
    expect((await submit(sealed, anyTwo, options)).block).toBe(2)
    expect(new Set(ordered.map(transactionIdOf)).size).toBe(2)
  })

  test('a proposal that got through although it seemed invalid is for the request id to tell', async () => {
    const { options, ordered } = world({
      codes: () => 'DUPLICATE_TXID',
      peers: Object.fromEntries(
        names.map((name) => [
          name,
          (call: number) => (call > 1 ? refusing('DUPLICATE_REQUEST') : signedBy(name, endorsing('result'))),
        ]),
      ),
    })
    const failure: unknown = await submit(sealed, custodian, options).catch((error: unknown) => error)
    const [envelope] = ordered
    const transactionId = envelope && transactionIdOf(envelope)
    expect(failure).toMatchObject({ code: 'OUTCOME_UNKNOWN', transactionId })
  })

  test('an orderer that is away makes the ledger unavailable', async () => {
    const { options } = world({ orderer: 'away' })
    await expect(submit(sealed, anyTwo, options)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  })

  test('without a block in time the outcome is unknown, and the error has the id', async () => {
    const { options, ordered } = world({ codes: () => undefined })
    const failure: unknown = await submit(sealed, anyTwo, options).catch((error: unknown) => error)
    const [envelope] = ordered
    expect(failure).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      transactionId: envelope && transactionIdOf(envelope),
    })
  })

  test('a connection that breaks while ordering leaves it unknown, unless a block shows it', async () => {
    const lost = world({ orderer: 'breaks', codes: () => undefined })
    await expect(submit(sealed, anyTwo, lost.options)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    const found = world({ orderer: 'breaks' })
    expect((await submit(sealed, anyTwo, found.options)).block).toBe(1)
  })

  test('while the own peer is away, others tell', async () => {
    const { options, tail } = world({
      codes: () => undefined,
      lookUp: () => Promise.resolve({ block: 12, valid: true, code: 'VALID' }),
    })
    tail.connection(false)
    expect((await submit(sealed, anyTwo, options)).block).toBe(12)
  })

  test('neither errors nor log lines hold what was asked', async () => {
    const { options, lines } = world({ peers: { north: () => refusing('FORBIDDEN'), south: () => 'away' } })
    const failure: unknown = await submit(sealed, anyTwo, options).catch((error: unknown) => error)
    const text = JSON.stringify([lines, (failure as Error).message])
    expect(lines).not.toEqual([])
    for (const secret of ['commitment', 'private']) expect(text).not.toContain(secret)
  })
})
