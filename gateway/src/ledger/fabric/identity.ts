import type { Identity, IdentityProvider, X509Identity } from 'fabric-network'
import { User } from './sdk.ts'
import { signingKey, signLowS } from './sign.ts'

export interface FabricIdentity {
  readonly mspId: string
  /** PEM. */
  readonly certificate: string
  /** PEM, P-256. */
  readonly privateKey: string
}

export const toX509 = ({ mspId, certificate, privateKey }: FabricIdentity): X509Identity => ({
  type: 'X.509',
  mspId,
  credentials: { certificate, privateKey },
})

async function userFor(identity: Identity, name: string): Promise<User> {
  const { certificate, privateKey } = (identity as X509Identity).credentials
  const key = signingKey(privateKey)
  const suite = User.newCryptoSuite()
  const user = new User(name)
  user.setCryptoSuite(suite)
  await user.setEnrollment(suite.createKeyFromRaw(privateKey), certificate, identity.mspId)
  const serialized = user.getIdentity().serialize()
  const native = {
    serialize: (): Buffer => serialized,
    sign: (message: Buffer): Buffer => signLowS(message, key),
  }
  user.setSigningIdentity(native)
  return user
}

/** Signs through `node:crypto`: the SDK's own library is slower by far, and its signing is known to be weak. */
export const nativeIdentityProvider: IdentityProvider = {
  type: 'X.509',
  getCryptoSuite: () => User.newCryptoSuite(),
  fromJson: (data) => data as unknown as Identity,
  toJson: (identity) => ({ ...identity, version: 1 }),
  getUserContext: userFor,
}
