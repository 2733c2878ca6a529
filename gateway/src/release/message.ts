import { Type, type Static } from 'typebox'
import { DocumentId, Id } from 'medledger-chaincode/api'

/** What an asking organisation's gateway sends to the custodian's: the committed access, and its block. */
export const ReleaseRequest = Type.Object(
  { entry: Id, block: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
)
export type ReleaseRequest = Static<typeof ReleaseRequest>

const Jwe = Type.Object({
  protected: Type.String(),
  iv: Type.String(),
  tag: Type.String(),
  ciphertext: Type.String(),
  aad: Type.String(),
})

/** The documents that are released, each sealed to the recipient of the request; what is refused is not in it. */
export const ReleaseAnswer = Type.Object({
  documents: Type.Array(
    Type.Object({ document: DocumentId, version: Type.Integer({ minimum: 1 }), content: Jwe }),
  ),
})
export type ReleaseAnswer = Static<typeof ReleaseAnswer>
