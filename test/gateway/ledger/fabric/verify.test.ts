import { describe, expect, test } from 'vitest'
import { isLowS } from '../../../../gateway/src/ledger/fabric/sign.ts'
import { isEndorsedBy } from '../../../../gateway/src/ledger/fabric/verify.ts'
import { createAuthority } from '../../../../scripts/network/certificates.ts'
import { der, derInteger, derSequence, readSignature } from '../../../../scripts/network/ecdsa.ts'
import { endorsing, forging, identityOf, paddedIdentityOf } from './submit-world.ts'

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const given = endorsing('south')
const { endorser, signature } = given.endorsement ?? { endorser: Buffer.alloc(0), signature: Buffer.alloc(0) }

describe('an endorsement', () => {
  test('is that of the organisation asked, over payload and endorser', () => {
    expect(isEndorsedBy('south', given)).toBe(true)
    expect(isEndorsedBy('north', given)).toBe(false)
    expect(isEndorsedBy('south', forging('south'))).toBe(false)
    expect(isEndorsedBy('south', { ...given, payload: Buffer.from('another') })).toBe(false)
    expect(isEndorsedBy('south', { payload: given.payload, endorsement: null })).toBe(false)
  })

  test('is by the key of the certificate in it', async () => {
    const other = await createAuthority({ commonName: 'other', organisation: 'South' }, Date.now())
    const endorsement = { endorser: identityOf('south', other.certificate), signature }
    expect(isEndorsedBy('south', { ...given, endorsement })).toBe(false)
  })

  test('has a low s, since Fabric refuses the other one', () => {
    const { r, s } = readSignature(signature)
    const high = derSequence(derInteger(r), derInteger(order - s))
    expect(isLowS(signature)).toBe(true)
    expect(isLowS(high)).toBe(false)
    expect(isEndorsedBy('south', { ...given, endorsement: { endorser, signature: high } })).toBe(false)
  })

  test('is by an identity that is no longer than one is', () => {
    expect(isEndorsedBy('south', endorsing('south', 'result', paddedIdentityOf('south')))).toBe(false)
  })

  test('of bytes that are none is not one, and no error', () => {
    const rubbish = [
      Buffer.alloc(0),
      Buffer.from('rubbish'),
      identityOf('south', 'no certificate'),
      der(4, endorser),
    ]
    for (const bytes of rubbish) {
      expect(isEndorsedBy('south', { ...given, endorsement: { endorser: bytes, signature } })).toBe(false)
      expect(isEndorsedBy('south', { ...given, endorsement: { endorser, signature: bytes } })).toBe(false)
    }
  })
})
