import { sha256, transactionId } from '../../fabric/digest.ts'
import { bytes, common, decode, decodeMerging, peer, wrap } from '../../fabric/message.ts'
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
  /** Set when Fabric might come to another verdict: no orderer of this network takes such a transaction. */
  readonly unsupported?: readonly string[]
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
  const content = decodeMerging(common.Payload, payload, 1)
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
    // The genesis block's envelope has no creator; validation knows which block it is.
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
  /** What of Fabric the transaction asks for that this network does not do, by its name. */
  readonly unsupported: readonly string[]

  constructor(value: ValidationCode, unsupported: readonly string[] = []) {
    super('the transaction is not valid')
    this.code = value
    this.unsupported = unsupported
  }
}

/** Reads a part of a transaction; what cannot be read is a fault of this code. */
function readPart<T>(fault: ValidationCode, read: () => T): T {
  try {
    return read()
  } catch {
    throw new Fault(fault)
  }
}

function readEvent(content: Uint8Array, chaincode: string): string | undefined {
  if (content.length === 0) return undefined
  const event = readPart(code.INVALID_OTHER_REASON, () => decode(peer.ChaincodeEvent, content))
  if (event.getChaincodeId() !== chaincode) throw new Fault(code.INVALID_OTHER_REASON)
  return event.getEventName()
}

function checkNamespaces(namespaces: readonly NamespaceSet[]): void {
  const names = new Set(namespaces.map(({ namespace }) => namespace))
  if (names.size !== namespaces.length) throw new Fault(code.ILLEGAL_WRITESET)
  const unsupported = namespaces.flatMap((set) => set.unsupported)
  if (unsupported.length > 0) throw new Fault(code.INVALID_OTHER_REASON, unsupported)
}

interface EndorsedAction {
  readonly endorsed: Buffer
  readonly endorsements: Action['endorsements']
  /** `protos.ChaincodeAction`; empty when the endorsers have signed none. */
  readonly result: Uint8Array
}

/** What was endorsed, when it was endorsed for this very proposal (validateEndorserTransaction). */
function readEndorsedAction(headers: Headers, data: Uint8Array): EndorsedAction {
  const [item, ...others] = decode(peer.Transaction, data).getActionsList()
  if (item === undefined || others.length > 0) throw new Fault(code.INVALID_ENDORSER_TRANSACTION)
  const signatureHeader = item.getHeader_asU8()
  const own = decode(common.SignatureHeader, signatureHeader)
  if (own.getNonce_asU8().length === 0 || own.getCreator_asU8().length === 0)
    throw new Fault(code.INVALID_ENDORSER_TRANSACTION)
  const content = decodeMerging(peer.ChaincodeActionPayload, item.getPayload_asU8(), 2)
  const action = content.getAction()
  const proposal = content.getChaincodeProposalPayload_asU8()
  if (action === undefined || proposal.length === 0) throw new Fault(code.INVALID_ENDORSER_TRANSACTION)
  const endorsed = bytes(action.getProposalResponsePayload_asU8())
  const response = decode(peer.ProposalResponsePayload, endorsed)
  const proposalHash = sha256(headers.channelHeader, signatureHeader, proposal)
  if (!proposalHash.equals(response.getProposalHash_asU8()))
    throw new Fault(code.INVALID_ENDORSER_TRANSACTION)
  return {
    endorsed,
    endorsements: action.getEndorsementsList().map((endorsement) => ({
      endorser: bytes(endorsement.getEndorser_asU8()),
      signature: bytes(endorsement.getSignature_asU8()),
    })),
    result: response.getExtension_asU8(),
  }
}

type ChaincodeId = peer.ChaincodeID | undefined

/** Name and version of the chaincode, which the client and the endorsers must name alike. */
function readChaincode(named: ChaincodeId, endorsed: ChaincodeId): { name: string; version: string } {
  if (named === undefined || endorsed === undefined) throw new Fault(code.INVALID_OTHER_REASON)
  const name = named.getName()
  const version = endorsed.getVersion()
  if (name === '' || name !== endorsed.getName() || version === '') throw new Fault(code.INVALID_CHAINCODE)
  return { name, version }
}

/** In the order of plugindispatcher.Dispatch, which decides the code of a transaction with several faults. */
function readAction(header: EnvelopeHeader, headers: Headers, data: Uint8Array): Action {
  const { endorsed, endorsements, result } = readPart(code.INVALID_ENDORSER_TRANSACTION, () =>
    readEndorsedAction(headers, data),
  )
  const extension = readPart(code.BAD_HEADER_EXTENSION, () =>
    decodeMerging(peer.ChaincodeHeaderExtension, header.extension, 2),
  )
  if (result.length === 0) throw new Fault(code.BAD_RESPONSE_PAYLOAD)
  const action = readPart(code.BAD_RESPONSE_PAYLOAD, () => decodeMerging(peer.ChaincodeAction, result, 3, 4))
  const namespaces = readPart(code.BAD_RWSET, () => readWriteSetOf(action.getResults_asU8()))
  const { name, version } = readChaincode(extension.getChaincodeId(), action.getChaincodeId())
  const eventName = readEvent(action.getEvents_asU8(), name)
  checkNamespaces(namespaces)
  return { chaincode: name, chaincodeVersion: version, eventName, endorsed, endorsements, namespaces }
}

/** An envelope's own two fields, if it can be read; in its canonical form no other bytes belong to it. */
function readFields(envelope: Uint8Array): { payload: Uint8Array; signature: Uint8Array } | undefined {
  try {
    const message = decode(common.Envelope, envelope)
    return { payload: message.getPayload_asU8(), signature: message.getSignature_asU8() }
  } catch {
    return undefined
  }
}

/**
 * The envelope with its payload and signature alone, as an orderer writes it into a block; undefined when it lacks one
 * of them. What is neither signed nor a signature must not reach the chain, and Fabric's peers refuse a block with an
 * envelope in any other form (protoutil.VerifyTransactionsAreWellFormed).
 */
export function canonicalEnvelope(envelope: Uint8Array): Buffer | undefined {
  const fields = readFields(envelope)
  if (fields === undefined || fields.payload.length === 0 || fields.signature.length === 0) return undefined
  return Buffer.concat([wrap(1, fields.payload), wrap(2, fields.signature)])
}

/** The headers of an envelope, or why it has none. */
function readHeaders(envelope: Buffer): ReturnType<typeof readEnvelope> | ValidationCode {
  const fields = readFields(envelope)
  if (fields === undefined) return code.INVALID_OTHER_REASON
  try {
    decode(common.Payload, fields.payload)
  } catch {
    return code.BAD_PAYLOAD
  }
  try {
    return readEnvelope(envelope)
  } catch {
    return code.BAD_COMMON_HEADER
  }
}

const knownTypes: ReadonlySet<number> = new Set([CONFIG, CONFIG_UPDATE, ENDORSER_TRANSACTION])

/** What an envelope asks for; undefined for a configuration. Errors: {@link Fault}, in Fabric's order. */
function readContent({ header, headers, data }: ReturnType<typeof readEnvelope>): Action | undefined {
  if (!headers.isSound || !knownTypes.has(header.type)) throw new Fault(code.BAD_COMMON_HEADER)
  if (header.type === CONFIG) return undefined
  if (header.type === CONFIG_UPDATE) throw new Fault(code.UNSUPPORTED_TX_PAYLOAD)
  if (header.transactionId !== transactionId(header.nonce, header.creator))
    throw new Fault(code.BAD_PROPOSAL_TXID)
  return readAction(header, headers, data)
}

/**
 * Reads a transaction and checks its form, in the order of Fabric's core/common/validation. Pure: neither signatures
 * nor the state are looked at, so that one reading serves every peer of the process.
 */
export function readTransaction(envelope: Buffer): Transaction {
  const unread = { envelope, header: undefined, action: undefined }
  const read = readHeaders(envelope)
  if (typeof read === 'number') return { ...unread, fault: read }
  const { header } = read
  try {
    return { envelope, header, action: readContent(read), fault: undefined }
  } catch (error) {
    const { code: fault, unsupported } =
      error instanceof Fault ? error : new Fault(code.INVALID_ENDORSER_TRANSACTION)
    return { envelope, header, action: undefined, fault, unsupported }
  }
}
