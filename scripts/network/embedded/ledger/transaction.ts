import { sha256, transactionId } from '../crypto/digest.ts'
import { bytes, common, decode, peer } from '../wire/message.ts'
import { readWriteSetOf, type NamespaceSet } from './read-write-set.ts'
import { code, type ValidationCode } from './validation-code.ts'

/** Who sent an envelope, for which channel, and what was signed. */
export interface EnvelopeHeader {
  readonly channel: string
  /** `common.HeaderType`. */
  readonly type: number
  readonly transactionId: string
  readonly creator: Buffer
  readonly nonce: Buffer
  readonly timestampSeconds: number
  /** The signed bytes. */
  readonly payload: Buffer
  readonly signature: Buffer
  /** The `extension` field of the channel header. */
  readonly extension: Buffer
}

/** One chaincode call with the endorsements of its result. */
export interface Action {
  readonly chaincode: string
  readonly chaincodeVersion: string
  readonly eventName: string | undefined
  /** `protos.ProposalResponsePayload`, what each endorser signed together with its identity. */
  readonly endorsed: Buffer
  readonly endorsements: ReadonlyArray<{ readonly endorser: Buffer; readonly signature: Buffer }>
  readonly namespaces: readonly NamespaceSet[]
}

/**
 * A transaction as far as it could be read. `header` is missing when not even that could be; `fault` is why the
 * transaction is invalid whatever the state, and then there may be no `action`.
 */
export interface Transaction {
  readonly envelope: Buffer
  readonly header: EnvelopeHeader | undefined
  readonly action: Action | undefined
  readonly fault: ValidationCode | undefined
}

const { CONFIG, CONFIG_UPDATE, ENDORSER_TRANSACTION } = common.HeaderType

export const isEndorserTransaction = ({ header }: Transaction): boolean =>
  header?.type === ENDORSER_TRANSACTION

/** The header of an envelope and the data below it. Errors: when the bytes are not an envelope with both headers. */
export function readEnvelope(envelope: Uint8Array): {
  header: EnvelopeHeader
  headers: Headers
  data: Buffer
} {
  const message = decode(common.Envelope, envelope)
  const payload = bytes(message.getPayload_asU8())
  const content = decode(common.Payload, payload)
  const headers = content.getHeader()
  if (headers === undefined) throw new SyntaxError('the payload has no header')
  const channelHeader = decode(common.ChannelHeader, headers.getChannelHeader_asU8())
  const signatureHeader = decode(common.SignatureHeader, headers.getSignatureHeader_asU8())
  const header = {
    channel: channelHeader.getChannelId(),
    type: channelHeader.getType(),
    transactionId: channelHeader.getTxId(),
    creator: bytes(signatureHeader.getCreator_asU8()),
    nonce: bytes(signatureHeader.getNonce_asU8()),
    timestampSeconds: channelHeader.getTimestamp()?.getSeconds() ?? 0,
    payload,
    signature: bytes(message.getSignature_asU8()),
    extension: bytes(channelHeader.getExtension_asU8()),
  }
  const isSound =
    channelHeader.getEpoch() === 0 &&
    header.nonce.length > 0 &&
    (header.creator.length > 0 || header.type === CONFIG)
  return {
    header,
    headers: { channelHeader: bytes(headers.getChannelHeader_asU8()), isSound },
    data: bytes(content.getData_asU8()),
  }
}

interface Headers {
  readonly channelHeader: Buffer
  /** Whether epoch, nonce and creator are as Fabric's validateCommonHeader wants them. */
  readonly isSound: boolean
}

class Fault extends Error {
  readonly code: ValidationCode

  constructor(value: ValidationCode) {
    super('the transaction is not valid')
    this.code = value
  }
}

function readEvent(content: Uint8Array, chaincode: string): string | undefined {
  if (content.length === 0) return undefined
  const event = decode(peer.ChaincodeEvent, content)
  if (event.getChaincodeId() !== chaincode) throw new Fault(code.INVALID_OTHER_REASON)
  return event.getEventName()
}

function readResults(content: Uint8Array): readonly NamespaceSet[] {
  const namespaces = ((): readonly NamespaceSet[] => {
    try {
      return readWriteSetOf(content)
    } catch {
      throw new Fault(code.BAD_RWSET)
    }
  })()
  const names = new Set(namespaces.map(({ namespace }) => namespace))
  if (names.size !== namespaces.length) throw new Fault(code.ILLEGAL_WRITESET)
  if (namespaces.some(({ unsupported }) => unsupported.length > 0)) throw new Fault(code.INVALID_OTHER_REASON)
  return namespaces
}

interface EndorsedAction {
  readonly endorsed: Buffer
  readonly endorsements: Action['endorsements']
  readonly result: peer.ChaincodeAction
}

/** What was endorsed, when it was endorsed for this very proposal. */
function readEndorsedAction(headers: Headers, data: Uint8Array): EndorsedAction {
  const [item, ...others] = decode(peer.Transaction, data).getActionsList()
  if (item === undefined || others.length > 0) throw new Fault(code.INVALID_ENDORSER_TRANSACTION)
  const signatureHeader = item.getHeader_asU8()
  const own = decode(common.SignatureHeader, signatureHeader)
  if (own.getNonce_asU8().length === 0 || own.getCreator_asU8().length === 0)
    throw new Fault(code.INVALID_ENDORSER_TRANSACTION)
  const content = decode(peer.ChaincodeActionPayload, item.getPayload_asU8())
  const action = content.getAction()
  if (action === undefined) throw new Fault(code.INVALID_ENDORSER_TRANSACTION)
  const endorsed = bytes(action.getProposalResponsePayload_asU8())
  const response = decode(peer.ProposalResponsePayload, endorsed)
  const proposal = content.getChaincodeProposalPayload_asU8()
  const proposalHash = sha256(headers.channelHeader, signatureHeader, proposal)
  if (!proposalHash.equals(response.getProposalHash_asU8()))
    throw new Fault(code.INVALID_ENDORSER_TRANSACTION)
  return {
    endorsed,
    endorsements: action.getEndorsementsList().map((endorsement) => ({
      endorser: bytes(endorsement.getEndorser_asU8()),
      signature: bytes(endorsement.getSignature_asU8()),
    })),
    result: decode(peer.ChaincodeAction, response.getExtension_asU8()),
  }
}

function readAction(header: EnvelopeHeader, headers: Headers, data: Uint8Array): Action {
  const { endorsed, endorsements, result } = readEndorsedAction(headers, data)
  const chaincode = result.getChaincodeId()?.getName() ?? ''
  const chaincodeVersion = result.getChaincodeId()?.getVersion() ?? ''
  const named = decode(peer.ChaincodeHeaderExtension, header.extension).getChaincodeId()?.getName()
  if (chaincode === '' || chaincodeVersion === '' || named !== chaincode)
    throw new Fault(code.INVALID_CHAINCODE)
  const eventName = readEvent(result.getEvents_asU8(), chaincode)
  const namespaces = readResults(result.getResults_asU8())
  return { chaincode, chaincodeVersion, eventName, endorsed, endorsements, namespaces }
}

/**
 * Reads a transaction and checks its form, in the order of Fabric's core/common/validation. Pure: neither signatures
 * nor the state are looked at, so that one reading serves every peer of the process.
 */
export function readTransaction(envelope: Buffer): Transaction {
  const unread = { envelope, header: undefined, action: undefined }
  if (envelope.length === 0) return { ...unread, fault: code.NIL_ENVELOPE }
  const read = ((): ReturnType<typeof readEnvelope> | undefined => {
    try {
      return readEnvelope(envelope)
    } catch {
      return undefined
    }
  })()
  if (read === undefined) return { ...unread, fault: code.BAD_PAYLOAD }
  const { header, headers, data } = read
  const known: readonly number[] = [CONFIG, CONFIG_UPDATE, ENDORSER_TRANSACTION]
  const judged = (fault: ValidationCode | undefined, action?: Action): Transaction => ({
    envelope,
    header,
    action,
    fault,
  })
  if (!headers.isSound || !known.includes(header.type)) return judged(code.BAD_COMMON_HEADER)
  if (header.type === CONFIG) return judged(undefined)
  if (header.type === CONFIG_UPDATE) return judged(code.UNSUPPORTED_TX_PAYLOAD)
  if (header.transactionId !== transactionId(header.nonce, header.creator))
    return judged(code.BAD_PROPOSAL_TXID)
  try {
    return judged(undefined, readAction(header, headers, data))
  } catch (error) {
    return judged(error instanceof Fault ? error.code : code.INVALID_ENDORSER_TRANSACTION)
  }
}
