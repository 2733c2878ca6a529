import { describe, expect, test } from 'vitest'
import { toDeliveredBlock } from '../../../../gateway/src/ledger/fabric/deliver.ts'
import { prepareProfile } from '../../../../gateway/src/ledger/fabric/profile.ts'

describe('a connection profile', () => {
  const profile = {
    organizations: { NorthMSP: { mspid: 'NorthMSP', peers: ['peer.north'] }, WestMSP: { mspid: 'WestMSP' } },
    peers: {
      'peer.north': { url: 'grpcs://localhost:1', grpcOptions: { requestTimeout: 9 } },
      'peer.west': { url: 'grpcs://localhost:3' },
    },
    orderers: { 'orderer.north': { url: 'grpcs://localhost:2' } },
  }

  test('puts every node on the channel, so that nothing is left to discovery', () => {
    expect(prepareProfile(profile, 'medledger', 'NorthMSP').channels).toEqual({
      medledger: { orderers: ['orderer.north'], peers: ['peer.north', 'peer.west'] },
    })
  })

  test('reads from other organisations’ nodes no more than an answer can have', () => {
    const { peers, orderers } = prepareProfile(profile, 'medledger', 'NorthMSP')
    const limits = [peers['peer.north'], peers['peer.west'], orderers['orderer.north']].map(
      (node) => Number(node?.grpcOptions?.['grpc.max_receive_message_length']) / 2 ** 20,
    )
    expect(limits).toEqual([128, 32, 32])
  })

  test('reconnects quickly, unless it says otherwise itself', () => {
    const { peers, orderers } = prepareProfile(profile, 'medledger', 'NorthMSP')
    expect(peers['peer.north']?.grpcOptions).toMatchObject({
      requestTimeout: 9,
      'grpc.max_reconnect_backoff_ms': 1000,
    })
    expect(orderers['orderer.north']?.grpcOptions).toMatchObject({ 'grpc-wait-for-ready-timeout': 1000 })
  })
})

describe('a filtered block', () => {
  test('gives each transaction its place and its code, whether the SDK names the code or numbers it', () => {
    const block = toDeliveredBlock(3, {
      filtered_transactions: [
        { txid: 'a', tx_validation_code: 0 },
        { txid: 'b', tx_validation_code: 'MVCC_READ_CONFLICT' },
        { txid: 'c', tx_validation_code: 10 },
      ],
    })
    expect(block).toEqual({
      number: 3,
      transactions: [
        { transactionId: 'a', block: 3, position: 0, valid: true, code: 'VALID' },
        { transactionId: 'b', block: 3, position: 1, valid: false, code: 'MVCC_READ_CONFLICT' },
        { transactionId: 'c', block: 3, position: 2, valid: false, code: 'ENDORSEMENT_POLICY_FAILURE' },
      ],
    })
    expect(toDeliveredBlock(0, {}).transactions).toEqual([])
  })
})
