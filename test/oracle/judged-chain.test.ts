import { describe, expect, test } from 'vitest'
import { codeName } from '../../scripts/network/embedded/ledger/validation-code.ts'
import { validationCodesOf } from '../../scripts/network/fabric/block.ts'
import { temporaryDirectory } from '../scripts/network/embedded/support.ts'
import { judgedChains, readJudgedChain } from './judged-chain.ts'
import { replay } from './replay.ts'

const names = judgedChains()

describe('a chain that Fabric has judged', () => {
  test('is at hand', () => {
    expect(names.length).toBeGreaterThan(0)
  })

  test.each(names)('has the same verdicts and the same state here: %s', async (name) => {
    const directory = temporaryDirectory()
    try {
      const { blocks } = readJudgedChain(name)
      const { differences, codes } = await replay(blocks, directory.path)
      expect(differences).toEqual([])
      expect(codes.get('VALID')).toBeGreaterThan(100)
    } finally {
      directory.remove()
    }
  })
})

test('the chains together hold every code that the embedded network gives', () => {
  const codes = new Set(
    names.flatMap((name) =>
      readJudgedChain(name).blocks.flatMap((block) => validationCodesOf(block).map(codeName)),
    ),
  )
  // BAD_PAYLOAD stands in no block that Fabric's peers take.
  expect([...codes].toSorted()).toEqual([
    'BAD_COMMON_HEADER',
    'BAD_CREATOR_SIGNATURE',
    'BAD_HEADER_EXTENSION',
    'BAD_PROPOSAL_TXID',
    'BAD_RESPONSE_PAYLOAD',
    'BAD_RWSET',
    'DUPLICATE_TXID',
    'ENDORSEMENT_POLICY_FAILURE',
    'ILLEGAL_WRITESET',
    'INVALID_CHAINCODE',
    'INVALID_ENDORSER_TRANSACTION',
    'INVALID_OTHER_REASON',
    'MVCC_READ_CONFLICT',
    'PHANTOM_READ_CONFLICT',
    'UNSUPPORTED_TX_PAYLOAD',
    'VALID',
  ])
})
