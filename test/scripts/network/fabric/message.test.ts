import { expect, test } from 'vitest'
import {
  build,
  common,
  decode,
  decodeMerging,
  encoded,
  wrap,
} from '../../../../scripts/network/fabric/message.ts'

const honest = encoded(common.Payload, {
  header: build(common.Header, {
    channelHeader: Buffer.from('channel'),
    signatureHeader: Buffer.from('sender'),
  }),
  data: Buffer.from('data'),
})

test('an embedded message that is there twice is merged, as Go merges it', () => {
  const later = encoded(common.Header, { channelHeader: Buffer.from('another') })
  for (const [added, channel] of [
    [Buffer.alloc(0), 'channel'],
    [later, 'another'],
  ] as const) {
    const payload = decodeMerging(common.Payload, Buffer.concat([honest, wrap(1, added)]), 1)
    expect(Buffer.from(payload.getHeader()?.getChannelHeader_asU8() ?? []).toString()).toBe(channel)
    expect(Buffer.from(payload.getHeader()?.getSignatureHeader_asU8() ?? []).toString()).toBe('sender')
    expect(Buffer.from(payload.getData_asU8()).toString()).toBe('data')
  }
})

test('anything else is read as it always is', () => {
  const merged = decodeMerging(common.Payload, honest, 1)
  expect(merged.toObject()).toEqual(decode(common.Payload, honest).toObject())
  expect(() => decodeMerging(common.Payload, Buffer.from([0x0a, 0x7f]), 1)).toThrow()
})
