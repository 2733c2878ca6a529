import { derInteger, derSequence, readSignature } from '../../../../../scripts/network/ecdsa.ts'
import { sha256 } from '../../../../../scripts/network/fabric/digest.ts'
import type { Signer } from '../../../../../scripts/network/fabric/signer.ts'
import { common, encoded, msp, peer, wrap } from '../../../../../scripts/network/fabric/message.ts'
import {
  extensionOf,
  forge,
  hashedWrite,
  publicRead,
  publicWrites,
  resultsOf,
  type Forged,
  type Forgery,
} from './forge.ts'
import type { World } from './world.ts'

/** A transaction in a block that an orderer has signed, and the code with which every peer must mark it. */
export interface TransactionAttack {
  readonly name: string
  readonly code: string
  readonly make: (world: World) => Forged
  /** Commits the same envelope honestly before. */
  readonly isReplay?: boolean
}

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export const secret = publicWrites({ key: 'entry', value: 'forged' })
export const privateSets = (collection: string): ReadonlyMap<string, Buffer> =>
  new Map([[collection, secret]])

const entryIn = (collection: string): Buffer =>
  resultsOf({
    namespace: 'medledger',
    collections: [hashedWrite(collection, secret, { key: 'entry', value: 'forged' })],
  })

const writing = (key: string): Buffer =>
  resultsOf({ namespace: 'medledger', set: publicWrites({ key, value: 'forged' }) })

/** A transaction that would be valid. */
export const honest = (world: World, changes: Partial<Forgery> = {}): Forgery => ({
  creator: world.of('north', 'gateway'),
  endorsers: [world.of('north', 'peer'), world.of('south', 'peer')],
  results: writing('target'),
  ...changes,
})

type Changes = Partial<Forgery> | ((world: World) => Partial<Forgery>)

const attack = (code: string, name: string, changes: Changes): TransactionAttack => ({
  name,
  code,
  make: (world) => forge(honest(world, typeof changes === 'function' ? changes(world) : changes)),
})

const by =
  (...endorsers: ReadonlyArray<(world: World) => Signer>) =>
  (world: World): Partial<Forgery> => ({ endorsers: endorsers.map((one) => one(world)) })

const peerOf =
  (organisation: string) =>
  (world: World): Signer =>
    world.of(organisation, 'peer')
const north = peerOf('north')
const south = peerOf('south')

const flip = (content: Buffer, index = content.length - 1): Buffer => {
  const changed = Buffer.from(content)
  changed.writeUInt8(changed.readUInt8(index) ^ 1, index)
  return changed
}

const highS = (signature: Buffer): Buffer => {
  const { r, s } = readSignature(signature)
  return derSequence(derInteger(r), derInteger(order - s))
}

/** The same certificate in other bytes: PEM may be followed by anything. */
const written = (signer: Signer): Buffer => {
  const { mspid, idBytes } = msp.SerializedIdentity.deserializeBinary(signer.identity).toObject()
  return encoded(msp.SerializedIdentity, {
    mspid,
    idBytes: Buffer.concat([Buffer.from(String(idBytes), 'base64'), Buffer.from('\n')]),
  })
}

export const northAgain = (world: World): Signer => ({ ...north(world), identity: written(north(world)) })

const claiming = (signer: Signer, mspid: string): Signer => {
  const idBytes = msp.SerializedIdentity.deserializeBinary(signer.identity).getIdBytes_asU8()
  return { ...signer, identity: encoded(msp.SerializedIdentity, { mspid, idBytes }) }
}

const policy = 'ENDORSEMENT_POLICY_FAILURE'
const creator = 'BAD_CREATOR_SIGNATURE'
const header = 'BAD_COMMON_HEADER'

const endorsements: readonly TransactionAttack[] = [
  attack(policy, 'no endorsement', { endorsements: () => [] }),
  attack(policy, 'one endorsement of two', by(north)),
  attack(policy, 'one endorsement twice', by(north, north)),
  attack(policy, 'one endorser twice, written differently', by(north, northAgain)),
  attack(policy, 'a forged endorsement', {
    endorsements: (list) =>
      list.map((one, index) => (index === 0 ? one : { ...one, signature: flip(one.signature, 20) })),
  }),
  attack(policy, 'the signature of another endorser', {
    endorsements: (list) => list.map((one) => ({ ...one, signature: list[0]?.signature ?? one.signature })),
  }),
  attack(policy, 'an empty signature', {
    endorsements: (list) => list.map((one) => ({ ...one, signature: Buffer.alloc(0) })),
  }),
  attack(policy, 'an unreadable endorser', {
    endorsements: (list) => list.map((one) => ({ ...one, endorser: Buffer.from('nobody') })),
  }),
  attack(policy, 'high-S endorsements', {
    endorsements: (list) => list.map((one) => ({ ...one, signature: highS(one.signature) })),
  }),
  attack(
    policy,
    'a client as endorser',
    by(north, (world) => world.of('south', 'gateway')),
  ),
  attack(
    policy,
    'an administrator as endorser',
    by(north, (world) => world.of('south', 'admin')),
  ),
  attack(
    policy,
    'an orderer as endorser',
    by(north, (world) => world.of('south', 'orderer')),
  ),
  attack(
    policy,
    'a rogue authority’s peer',
    by(south, (world) => world.attackers.rogue('peer')),
  ),
  attack(
    policy,
    'a peer whose certificate the authority that it names has not signed',
    by(south, (world) => world.attackers.forgedPeer),
  ),
  attack(
    policy,
    'a peer that claims another MSP',
    by(north, (world) => claiming(north(world), 'SouthMSP')),
  ),
  attack(
    policy,
    'a peer of an unknown MSP',
    by(north, (world) => claiming(south(world), 'WestMSP')),
  ),
  attack(
    policy,
    'a revoked peer',
    by(south, (world) => world.attackers.revokedPeer),
  ),
  attack(policy, 'endorsements of another result', { afterEndorsing: (endorsed) => tamper(endorsed) }),
]

/** The endorsed payload with another write set in it. */
function tamper(endorsed: Buffer): Buffer {
  const at = endorsed.indexOf('forged')
  return flip(endorsed, at)
}

const placements: readonly TransactionAttack[] = [
  attack(policy, 'an entry of North’s placement without its custodian', (world) => ({
    ...by(south, peerOf('authority'))(world),
    results: entryIn('access-north'),
  })),
  attack(policy, 'an entry by the custodian alone', (world) => ({
    ...by(north)(world),
    results: entryIn('access-north'),
  })),
  attack(policy, 'an entry by the custodian and one who is no member', (world) => ({
    ...by(north, south)(world),
    results: entryIn('access-north'),
  })),
  attack(policy, 'a consent by one member', (world) => ({
    ...by(north)(world),
    results: entryIn('consent-south'),
  })),
  attack(policy, 'a collection that does not exist', { results: entryIn('access-nowhere') }),
  attack(policy, 'an entry hidden behind a public write', (world) => ({
    ...by(south, peerOf('authority'))(world),
    results: resultsOf({
      namespace: 'medledger',
      set: publicWrites({ key: 'decoy', value: 'forged' }),
      collections: [hashedWrite('access-north', secret, { key: 'entry', value: 'forged' })],
    }),
  })),
]

const identities: readonly TransactionAttack[] = [
  attack(creator, 'a payload changed after signing', {
    afterSigning: (payload) => flip(payload, payload.indexOf('forged')),
  }),
  attack(creator, 'a forged signature', { signature: (honestOne) => flip(honestOne, 20) }),
  attack(creator, 'no signature', { signature: () => Buffer.alloc(0) }),
  attack(creator, 'a high-S signature', { signature: highS }),
  attack(creator, 'another one’s name', (world) => ({ named: world.of('south', 'gateway').identity })),
  attack(creator, 'an unreadable creator', { named: Buffer.from('nobody') }),
  attack(creator, 'a rogue authority’s client', (world) => ({ creator: world.attackers.rogue('gateway') })),
  attack(creator, 'a client whose certificate the authority that it names has not signed', (world) => ({
    creator: world.attackers.forgedClient,
  })),
  attack(creator, 'a client that claims another MSP', (world) => ({
    creator: claiming(world.of('north', 'gateway'), 'SouthMSP'),
  })),
  attack(creator, 'a client of an unknown MSP', (world) => ({
    creator: claiming(world.of('north', 'gateway'), 'WestMSP'),
  })),
  attack(creator, 'a revoked client', (world) => ({ creator: world.attackers.revokedClient })),
  attack(creator, 'another channel', { channel: 'other' }),
  attack(creator, 'no channel', { channel: '' }),
]

const forms: readonly TransactionAttack[] = [
  { ...attack('DUPLICATE_TXID', 'an envelope replayed', {}), isReplay: true },
  attack('BAD_PROPOSAL_TXID', 'a transaction id of one’s choice', { transactionId: 'a'.repeat(64) }),
  attack('BAD_PROPOSAL_TXID', 'no transaction id', { transactionId: '' }),
  attack(header, 'an unknown type', { type: 99 }),
  attack(header, 'a message instead of a transaction', { type: 0 }),
  attack(header, 'another epoch', { epoch: 1 }),
  attack(header, 'no nonce', { nonce: Buffer.alloc(0) }),
  attack(header, 'no creator', { named: Buffer.alloc(0) }),
  attack('UNSUPPORTED_TX_PAYLOAD', 'a configuration update', { type: common.HeaderType.CONFIG_UPDATE }),
  attack('INVALID_ENDORSER_TRANSACTION', 'two actions', { actions: 2 }),
  attack('INVALID_ENDORSER_TRANSACTION', 'no action', { actions: 0 }),
  attack('INVALID_ENDORSER_TRANSACTION', 'endorsements of another proposal', {
    proposalHash: sha256(Buffer.from('x')),
  }),
  attack('BAD_HEADER_EXTENSION', 'an unreadable extension', { extension: Buffer.from([0x0a, 0x7f]) }),
  attack('BAD_RESPONSE_PAYLOAD', 'an unreadable result', { action: Buffer.from([0x0a, 0x7f]) }),
  attack('BAD_RWSET', 'an unreadable write set', { results: Buffer.from([0x12, 0x7f]) }),
  attack('INVALID_OTHER_REASON', 'a chaincode that is not named', { extension: Buffer.alloc(0) }),
  attack('INVALID_OTHER_REASON', 'another chaincode’s event', {
    events: encoded(peer.ChaincodeEvent, { chaincodeId: 'other', eventName: 'put' }),
  }),
  attack('INVALID_CHAINCODE', 'another chaincode than the one endorsed', {
    extension: extensionOf('_lifecycle'),
  }),
  attack('INVALID_CHAINCODE', 'a chaincode that does not exist', { chaincode: 'other' }),
  attack('INVALID_CHAINCODE', 'no chaincode version', { version: '' }),
  attack('INVALID_CHAINCODE', 'a foreign namespace', {
    results: resultsOf({ namespace: 'other', set: publicWrites({ key: 'target', value: 'forged' }) }),
  }),
  attack('INVALID_CHAINCODE', 'a namespace named like a placement’s private store', {
    results: resultsOf({
      namespace: 'medledger$$paccess-north',
      set: publicWrites({ key: 'entry', value: 'forged' }),
    }),
  }),
  attack(policy, 'the chaincode’s definition, without a majority', (world) => ({
    ...by(north)(world),
    results: resultsOf({
      namespace: '_lifecycle',
      set: publicWrites({ key: 'namespaces/fields/medledger/Sequence', value: 'forged' }),
    }),
  })),
  attack('ILLEGAL_WRITESET', 'one namespace twice', {
    results: resultsOf(
      { namespace: 'medledger' },
      { namespace: 'medledger', set: publicWrites({ key: 'k', value: 'v' }) },
    ),
  }),
  attack('MVCC_READ_CONFLICT', 'a read that never was', {
    results: resultsOf({
      namespace: 'medledger',
      set: Buffer.concat([publicRead('absent', 3), publicWrites({ key: 'target', value: 'forged' })]),
    }),
  }),
]

const raw = (code: string, name: string, envelope: Buffer): TransactionAttack => ({
  name,
  code,
  make: () => ({ envelope, transactionId: '' }),
})

/** What is not even an envelope; a peer of the network refuses the block before (see blocks). */
const bytesOnly: readonly TransactionAttack[] = [
  raw(header, 'nothing', Buffer.alloc(0)),
  raw('INVALID_OTHER_REASON', 'no envelope', Buffer.from([0x0a, 0x7f])),
  raw('BAD_PAYLOAD', 'no payload', wrap(1, Buffer.from([0x0a, 0x7f]))),
  raw(header, 'no header', wrap(1, wrap(2, Buffer.from('data')))),
]

export const families = { endorsements, placements, identities, forms, bytesOnly } as const
