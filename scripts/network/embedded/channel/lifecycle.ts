import { randomBytes } from 'node:crypto'
import { collectionPackage } from '../../fabric/collections.ts'
import { lifecycleName, systemVersion, type Definition } from '../../fabric/definition.ts'
import { sha256, transactionId } from '../../fabric/digest.ts'
import { compareOrdered } from '../ledger/keys.ts'
import { toPolicyMessage } from '../../fabric/policy.ts'
import type { Signer } from '../../fabric/signer.ts'
import {
  build,
  common,
  encode,
  encoded,
  kvrwset,
  lifecycle,
  peer,
  rwset,
  timestampOf,
} from '../../fabric/message.ts'

/*
 * The definition of the chaincode as a transaction of Fabric's own `_lifecycle`, so that whoever reads the chain, a
 * real peer included, knows the policies by which everything after it is valid.
 */

/** The name of a definition's metadata in the state of `_lifecycle`. */
export const metadataKey = (name: string): string => `namespaces/metadata/${name}`

/** The name of one of its fields. */
export const fieldKey = (name: string, field: string): string => `namespaces/fields/${name}/${field}`

/** What the metadata says that is defined. */
export const chaincodeType = 'ChaincodeDefinition'

const bytesData = (content: Buffer): Buffer => encoded(lifecycle.StateData, { bytes: content })

const fields = ['Sequence', 'EndorsementInfo', 'ValidationInfo', 'Collections']

/** What the definition is in the state of `_lifecycle`: keys and values of core/chaincode/lifecycle. */
export function definitionState(definition: Definition, sequence = 1): ReadonlyMap<string, Buffer> {
  const { name, version, policy } = definition
  const validationParameter = encoded(peer.ApplicationPolicy, { signaturePolicy: toPolicyMessage(policy) })
  return new Map([
    [fieldKey(name, 'Sequence'), encoded(lifecycle.StateData, { int64: sequence })],
    [
      fieldKey(name, 'EndorsementInfo'),
      bytesData(encoded(lifecycle.ChaincodeEndorsementInfo, { version, endorsementPlugin: 'escc' })),
    ],
    [
      fieldKey(name, 'ValidationInfo'),
      bytesData(
        encoded(lifecycle.ChaincodeValidationInfo, { validationPlugin: 'vscc', validationParameter }),
      ),
    ],
    [fieldKey(name, 'Collections'), bytesData(collectionPackage(definition))],
    [metadataKey(name), encoded(lifecycle.StateMetadata, { datatype: chaincodeType, fieldsList: fields })],
  ])
}

function simulationOf(definition: Definition): Buffer {
  const entries = [...definitionState(definition)].sort(([a], [b]) => compareOrdered(a, b))
  const set = encoded(kvrwset.KVRWSet, {
    readsList: entries.map(([key]) => build(kvrwset.KVRead, { key })),
    writesList: entries.map(([key, value]) => build(kvrwset.KVWrite, { key, value })),
  })
  const own = build(rwset.NsReadWriteSet, { namespace: lifecycleName, rwset: set })
  return encoded(rwset.TxReadWriteSet, { dataModel: rwset.TxReadWriteSet.DataModel.KV, nsRwsetList: [own] })
}

function proposalOf(definition: Definition): Buffer {
  const args = ['CommitChaincodeDefinition', definition.name].map((text) => Buffer.from(text))
  const chaincodeSpec = build(peer.ChaincodeSpec, {
    type: peer.ChaincodeSpec.Type.GOLANG,
    chaincodeId: build(peer.ChaincodeID, { name: lifecycleName }),
    input: build(peer.ChaincodeInput, { argsList: args }),
  })
  return encoded(peer.ChaincodeProposalPayload, {
    input: encoded(peer.ChaincodeInvocationSpec, { chaincodeSpec }),
  })
}

/** The transaction that commits a definition, endorsed by these peers. */
export function definitionEnvelope(
  channel: string,
  definition: Definition,
  creator: Signer,
  endorsers: readonly Signer[],
  now: number,
): Buffer {
  const nonce = randomBytes(24)
  const signatureHeader = encoded(common.SignatureHeader, { creator: creator.identity, nonce })
  const chaincodeId = build(peer.ChaincodeID, { name: lifecycleName })
  const channelHeader = encoded(common.ChannelHeader, {
    type: common.HeaderType.ENDORSER_TRANSACTION,
    channelId: channel,
    txId: transactionId(nonce, creator.identity),
    timestamp: timestampOf(now),
    extension$: encoded(peer.ChaincodeHeaderExtension, { chaincodeId }),
  })
  const chaincodeProposalPayload = proposalOf(definition)
  const proposalResponsePayload = encoded(peer.ProposalResponsePayload, {
    proposalHash: sha256(channelHeader, signatureHeader, chaincodeProposalPayload),
    extension$: encoded(peer.ChaincodeAction, {
      results: simulationOf(definition),
      response: build(peer.Response, { status: 200 }),
      chaincodeId: build(peer.ChaincodeID, { name: lifecycleName, version: systemVersion }),
    }),
  })
  const endorsementsList = endorsers.map((endorser) =>
    build(peer.Endorsement, {
      endorser: endorser.identity,
      signature: endorser.sign(proposalResponsePayload, endorser.identity),
    }),
  )
  const action = build(peer.ChaincodeEndorsedAction, { proposalResponsePayload, endorsementsList })
  const item = build(peer.TransactionAction, {
    header: signatureHeader,
    payload: encoded(peer.ChaincodeActionPayload, { chaincodeProposalPayload, action }),
  })
  const payload = encoded(common.Payload, {
    header: build(common.Header, { channelHeader, signatureHeader }),
    data: encode(build(peer.Transaction, { actionsList: [item] })),
  })
  return encoded(common.Envelope, { payload, signature: creator.sign(payload) })
}
