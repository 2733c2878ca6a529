import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  canonical,
  complete,
  decodeResponse,
  encodeResponse,
  limits,
  randomId,
  seal,
  sha256Hex,
  unseal,
  type RequestOf,
} from 'medledger-chaincode/api'
import { consentOf } from '../../support/ledger-samples.ts'

const id = 'ab'.repeat(16)
const request: RequestOf<'DeactivatePerson'> = { person: id, request: id, salt: id }
const text = `{"person":"${id}","request":"${id}","salt":"${id}"}`
const invalid = expect.objectContaining({ code: 'INVALID_REQUEST' }) as Error

/** Unseals a text under its right commitment, so that only the text itself can be at fault. */
const open = (bytes: string | Uint8Array, commitment = sha256Hex(bytes)): unknown =>
  unseal('DeactivatePerson', commitment, Buffer.from(bytes))

describe('a sealed request', () => {
  test('is canonical JSON, and commits to its digest', () => {
    const sealed = seal('DeactivatePerson', request, 'a.b.c')
    expect(Buffer.from(sealed.transient['request'] ?? []).toString()).toBe(text)
    expect(sealed.commitment).toBe(sha256Hex(text))
    expect(Buffer.from(sealed.transient['token'] ?? []).toString()).toBe('a.b.c')
  })

  test('opens again', () => expect(open(text)).toEqual(request))

  test('says nothing in its commitment that does not change with the salt', () => {
    const other = seal('DeactivatePerson', { ...request, salt: randomId() })
    expect(other.commitment).not.toBe(seal('DeactivatePerson', request).commitment)
  })

  test('draws a new id and salt, unless it is a retry', () => {
    const first = complete<'DeactivatePerson'>({ person: id })
    const second = complete<'DeactivatePerson'>({ person: id })
    expect(first.request).not.toBe(second.request)
    expect(first.salt).not.toBe(second.salt)
    expect(complete<'DeactivatePerson'>({ person: id }, { request: id, salt: id })).toEqual(request)
  })

  test('is not made of a malformed request', () => {
    expect(() => seal('DeactivatePerson', { ...request, person: 'Maria' })).toThrow(invalid)
  })

  test('is not made of a text that has no canonical form', () => {
    const directive = consentOf({ type: 'permit' }, { language: '\uD800' })
    const fields = { custodian: 'north', patient: id, consent: id, directive }
    expect(() => seal('GrantConsent', complete<'GrantConsent'>(fields))).toThrow(invalid)
  })

  test('has a size limit', () => {
    const directive = { text: 'x'.repeat(limits.requestBytes) }
    const fields = { custodian: 'north', patient: id, consent: id, directive }
    const tooLarge = complete<'GrantConsent'>(fields)
    const refusal = expect.objectContaining({ code: 'LIMIT_EXCEEDED' }) as Error
    expect(() => seal('GrantConsent', tooLarge)).toThrow(refusal)
    const bytes = Buffer.from(canonical(tooLarge))
    expect(() => unseal('GrantConsent', sha256Hex(bytes), bytes)).toThrow(refusal)
  })
})

describe('an endorser refuses', () => {
  const deep = (levels: number): string => text.replace(`"person":"${id}"`, `"person":${'['.repeat(levels)}`)
  test.each([
    ['spaces', text.replace(',', ', ')],
    ['another order of members', `{"request":"${id}","person":"${id}","salt":"${id}"}`],
    ['a name that occurs twice', text.replace('{', `{"person":"${id}",`)],
    ['a needless escape', text.replace('"person"', '"\\u0070erson"')],
    ['a number in another form', text.replace(`"person":"${id}"`, '"person":1.0')],
    ['a number beyond all limits', text.replace(`"person":"${id}"`, '"person":1e999')],
    ['half a surrogate pair', text.replace(`"person":"${id}"`, String.raw`"person":"\ud800"`)],
    ['a byte order mark', `\uFEFF${text}`],
    ['text after the value', `${text}\n`],
    ['no JSON', text.slice(1)],
    ['no object', '[]'],
    ['an unknown member', text.replace('{', '{"nickname":"x",')],
    ['a prototype', text.replace('{', '{"__proto__":{},')],
    ['a missing member', `{"person":"${id}","request":"${id}"}`],
    ['a salt of fewer bits', text.replace(`"salt":"${id}"`, '"salt":"ab"')],
    ['100 000 open brackets', deep(100_000)],
    ['nothing at all', ''],
  ])('%s', (_what, given) => {
    expect(() => open(given)).toThrow(invalid)
  })

  test('what is not UTF-8', () => {
    expect(() => open(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(invalid)
  })

  test.each([
    ['of another request', sha256Hex('{}')],
    ['in capitals', sha256Hex(text).toUpperCase()],
    ['that is empty', ''],
  ])('a commitment %s', (_what, commitment) => {
    expect(() => open(text, commitment)).toThrow(invalid)
  })

  test('and names the place but not the value', () => {
    const secret = 'Maria Lindqvist'
    let message = ''
    try {
      open(text.replace(`"person":"${id}"`, `"person":"${secret}"`))
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain('/person')
    expect(message).not.toContain('Maria')
  })
})

describe('an answer', () => {
  test('is canonical and comes back', () => {
    const encoded = encodeResponse('ReadCaller', { role: 'doctor', organisation: 'north', id })
    expect(encoded).toBe(`{"id":"${id}","organisation":"north","role":"doctor"}`)
    expect(decodeResponse('ReadCaller', Buffer.from(encoded))).toEqual({
      id,
      organisation: 'north',
      role: 'doctor',
    })
  })

  test('with a member more than its schema neither leaves nor enters', () => {
    const more = { entry: id, outcome: 'permit' }
    expect(() => encodeResponse('RequestAccess', more)).toThrow(invalid)
    expect(() => decodeResponse('RequestAccess', Buffer.from(JSON.stringify(more)))).toThrow(invalid)
  })
})

describe('canonical JSON', () => {
  /** JSON values; canonical form has no negative zero, and no text that is not Unicode. */
  const json = fc.jsonValue({ noUnicodeString: false, stringUnit: 'grapheme' }).map((value) => {
    return JSON.parse(JSON.stringify(value)) as unknown
  })

  test('encode and decode round-trips', () => {
    fc.assert(
      fc.property(json, (value) => {
        const once = canonical(value)
        expect(JSON.parse(once)).toEqual(value)
        expect(canonical(JSON.parse(once))).toBe(once)
      }),
    )
  })

  test('does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (members) => {
        const reversed = Object.fromEntries(Object.entries(members).reverse())
        expect(canonical(reversed)).toBe(canonical(members))
      }),
    )
  })

  test('has the form of RFC 8785, section 3.2.2', () => {
    const value = { numbers: [1e21, 4.5, 2e-3, 1e-27], string: '€$\u000F\nA\'B"\\"/', literals: [null, true] }
    expect(canonical(value)).toBe(
      String.raw`{"literals":[null,true],"numbers":[1e+21,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\"/"}`,
    )
  })

  test('has none for what is no JSON', () => {
    expect(() => canonical(undefined)).toThrow(expect.objectContaining({ code: 'INTERNAL' }) as Error)
  })
})
