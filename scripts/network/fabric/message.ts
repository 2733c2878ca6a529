import { common, ledger, msp, orderer, peer } from '@hyperledger/fabric-protos'
import { BinaryReader } from 'google-protobuf'
import timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js'

/*
 * Fabric's messages. Making, encoding and decoding them happens here and nowhere else: google-protobuf's setters return
 * nothing, a field named `extension` is `extension$`, byte fields may be base64 text, and Timestamp is not exported.
 */

// Types of the inner packages are reached through `ledger`, as TypeScript sees no namespace in a constant.
export { common, ledger, msp, orderer, peer }
export const { rwset, queryresult } = ledger
export const { kvrwset } = ledger.rwset
export const { lifecycle } = peer
export const { etcdraft } = orderer

/** What every generated message offers. */
export interface Message {
  serializeBinary(): Uint8Array
}

export interface MessageType<M extends Message> {
  new (): M
  deserializeBinary(bytes: Uint8Array): M
}

/** The fields of a message by the name of their setter: `setArgsList` is `argsList`. */
export type Fields<M> = {
  readonly [K in keyof M as K extends `set${infer Name}` ? Uncapitalize<Name> : never]?: M[K] extends (
    value: infer V,
  ) => void
    ? V | undefined
    : never
}

/** Makes a message; a field that is undefined is left unset. */
export function build<M extends Message>(type: MessageType<M>, fields: Fields<M>): M {
  const message = new type()
  const setters = message as unknown as Record<string, (value: unknown) => void>
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    setters[`set${name.charAt(0).toUpperCase()}${name.slice(1)}`]?.call(message, value)
  }
  return message
}

export const encode = (message: Message): Buffer => bytes(message.serializeBinary())

/** Makes a message and gives its bytes. */
export const encoded = <M extends Message>(type: MessageType<M>, fields: Fields<M>): Buffer =>
  encode(build(type, fields))

/** Errors: whatever google-protobuf throws on bytes that are not a message of this type. */
export const decode = <M extends Message>(type: MessageType<M>, content: Uint8Array): M =>
  type.deserializeBinary(content)

/** Protocol Buffers' wire type of texts, bytes and messages. */
const lengthDelimited = 2

/**
 * The same, where an embedded message that is there several times becomes one, as Go's implementation has it: JavaScript's takes
 * the last. Whoever signs a transaction chooses its bytes.
 * @param embedded the numbers of the message's fields that are messages
 */
export function decodeMerging<M extends Message>(
  type: MessageType<M>,
  content: Uint8Array,
  ...embedded: readonly number[]
): M {
  const parts = new Map(embedded.map((field): [number, Uint8Array[]] => [field, []]))
  const reader = new BinaryReader(content)
  while (reader.nextField()) {
    const found = parts.get(reader.getFieldNumber())
    const wireType: number = reader.getWireType()
    // There may be millions of them in a transaction: each costs the same.
    if (found === undefined || wireType !== lengthDelimited) reader.skipField()
    else found.push(reader.readBytes())
  }
  const merged = [...parts].filter(([, several]) => several.length > 1)
  const added = merged.map(([field, several]) => wrap(field, Buffer.concat(several)))
  return decode(type, added.length === 0 ? content : Buffer.concat([content, ...added]))
}

/** A byte field as a Buffer over the same memory. */
export function bytes(value: Uint8Array | string): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'base64')
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

/** A `google.protobuf.Timestamp`, which fabric-protos uses but does not export. */
export function timestampOf(milliseconds: number): timestamp.Timestamp {
  const result = new timestamp.Timestamp()
  result.setSeconds(Math.floor(milliseconds / 1000))
  result.setNanos((milliseconds % 1000) * 1_000_000)
  return result
}

/** Base 128, the lowest digits first, as the length of a field is written. */
export function varint(value: number): number[] {
  const out: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128)
  out.push(rest)
  return out
}

/**
 * A length-delimited field around bytes that are a message already. Signed bytes must never be decoded and encoded
 * again: writers differ in whether they write default values, and the signature would not fit any more.
 */
export function wrap(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content])
}

/** A varint field, for messages that hold nothing else. */
export const wrapNumber = (field: number, value: number): Buffer =>
  Buffer.from([...varint(field * 8), ...varint(value)])
