import { common, peer } from '@hyperledger/fabric-protos'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  blockNumberOf,
  chainHeightOf,
  endorsedResult,
  validationCodeName,
  validationCodeOf,
  writeFields,
} from '../../../../gateway/src/ledger/fabric/wire.ts'
import { readRepeated } from '../../../../gateway/src/ledger/fabric/protobuf.ts'

describe("reading Fabric's messages", () => {
  test('what the chaincode returned is found in the bytes that were signed', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (result, results) => {
        const response = new peer.Response()
        response.setStatus(200)
        response.setMessage('text')
        response.setPayload(result)
        const action = new peer.ChaincodeAction()
        action.setResults(results)
        action.setResponse(response)
        const payload = new peer.ProposalResponsePayload()
        payload.setProposalHash(new Uint8Array(32).fill(7))
        payload.setExtension$(action.serializeBinary())
        expect(Buffer.from(endorsedResult(payload.serializeBinary()))).toEqual(Buffer.from(result))
      }),
    )
  })

  test('validation codes and heights are read, and 0 when they are left out', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(2 ** 40), (code, height) => {
        const processed = new peer.ProcessedTransaction()
        processed.setTransactionenvelope(new common.Envelope())
        processed.setValidationcode(code)
        expect(validationCodeOf(processed.serializeBinary())).toBe(code)
        const info = new common.BlockchainInfo()
        info.setHeight(height)
        info.setCurrentblockhash(new Uint8Array(32))
        expect(chainHeightOf(info.serializeBinary())).toBe(height)
        const header = new common.BlockHeader()
        header.setNumber(height)
        header.setDataHash(new Uint8Array(32).fill(1))
        const block = new common.Block()
        block.setHeader(header)
        block.setData(new common.BlockData())
        expect(blockNumberOf(block.serializeBinary())).toBe(height)
      }),
    )
  })

  test('a repeated field is read whole and in its order, and an envelope is written as Fabric does', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), fc.uint8Array(), (list, signature) => {
        const data = new common.BlockData()
        data.setDataList(list)
        const read = readRepeated(data.serializeBinary(), 1)
        expect(read.map((value) => Buffer.from(value))).toEqual(list.map((value) => Buffer.from(value)))
        const payload = data.serializeBinary()
        const written = common.Envelope.deserializeBinary(writeFields({ 1: payload, 2: signature }))
        expect(Buffer.from(written.getPayload_asU8())).toEqual(Buffer.from(payload))
        expect(Buffer.from(written.getSignature_asU8())).toEqual(Buffer.from(signature))
      }),
    )
  })

  test("the codes' names are Fabric's", () => {
    for (const [name, code] of Object.entries(peer.TxValidationCode))
      expect(validationCodeName(code)).toBe(name)
    expect(validationCodeName('MVCC_READ_CONFLICT')).toBe('MVCC_READ_CONFLICT')
    expect(validationCodeName(200)).toBe('CODE_200')
  })
})
