import { Type } from 'typebox'
import { PurposeOfUse } from 'medledger-chaincode/api'
import type { Described } from './describe.ts'

type Headers = Readonly<Record<string, Described>>

export const exampleEntry = '5f0c6f0e2c4b4e9d8a7b6c5d4e3f2a1b'

/** Of a request that reads: why it is made. */
export const purposeHeader: Headers = {
  'X-Purpose-Of-Use': {
    description:
      'Why this is asked for (HL7 v3 ActReason), within what the token allows. Without it: the only purpose of the token, else TREAT.',
    schema: PurposeOfUse,
    example: 'TREAT',
  },
}

/** Of a request that leaves an entry: what is sent with the same key again is the same request. */
export const idempotencyHeader: Headers = {
  'Idempotency-Key': {
    description:
      'Chosen by the caller. What is sent with the same key again is the same request on the ledger; it must be the same in all else.',
    schema: Type.String({ minLength: 1, maxLength: 257 }),
    example: '"9f4c1c3e-visit-17"',
  },
}

export const requestId: Headers = {
  'X-Request-Id': {
    description: 'Names this request in the log.',
    schema: Type.String({ format: 'uuid' }),
    example: '8b0c5f5e-5b1f-4a53-9f0e-0d7c2f9a1e11',
  },
}

export const retryAfter: Headers = {
  'Retry-After': {
    description: 'Seconds after which to ask again.',
    schema: Type.String({ pattern: '^[0-9]+$' }),
    example: '2',
  },
}

export const entryHeader: Headers = {
  'X-Medledger-Entry': {
    description: 'Ids of the entries that this request has left on the ledger, separated by commas.',
    schema: Type.String(),
    example: exampleEntry,
  },
}

export const locationHeader: Headers = {
  Location: {
    description: 'Where the new resource is.',
    schema: Type.String(),
    example: `/fhir/Consent/${exampleEntry}`,
  },
}
