import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issueLeaf } from '../../../../../scripts/network/certificates.ts'
import {
  createMembership,
  expiryOf,
  type Membership,
} from '../../../../../scripts/network/embedded/msp/membership.ts'
import { createSigner, serializeIdentity } from '../../../../../scripts/network/fabric/signer.ts'
import { issueCredentials, type OrganisationCredentials } from '../../../../../scripts/network/issue.ts'
import { credentialsOf } from '../../../../../scripts/network/profile.ts'
import { createRevocationList } from '../../../../../scripts/network/revocations.ts'
import { demoTopology } from '../../../../../scripts/network/topology.ts'

const directory = mkdtempSync(join(tmpdir(), 'medledger-membership-'))
let north: OrganisationCredentials
let south: OrganisationCredentials
let membership: Membership

beforeAll(async () => {
  const credentials = await issueCredentials(demoTopology(), directory)
  north = credentialsOf(credentials, 'north')
  south = credentialsOf(credentials, 'south')
  membership = createMembership(new Map([[north.mspId, north.ca.certificate]]))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const yearMs = 365 * 24 * 3_600_000

describe('membership', () => {
  test('knows a member and its role', () => {
    expect(membership.identify(serializeIdentity('NorthMSP', north.peer.certificate))).toMatchObject({
      mspId: 'NorthMSP',
      role: 'peer',
    })
  })

  test('refuses other authorities, other MSPs, authorities themselves, TLS certificates and nonsense', () => {
    const identify = (mspId: string, certificate: string) => () =>
      membership.identify(serializeIdentity(mspId, certificate))
    expect(identify('NorthMSP', south.peer.certificate)).toThrow('not issued by the MSP')
    expect(identify('SouthMSP', south.peer.certificate)).toThrow('MSP SouthMSP is unknown')
    expect(identify('NorthMSP', north.ca.certificate)).toThrow('not issued by the MSP')
    expect(identify('NorthMSP', north.tls.peer.certificate)).toThrow('not issued by the MSP')
    expect(identify('NorthMSP', 'nonsense')).toThrow('cannot be read')
  })

  test('refuses a certificate that names the authority and its key, and that another key has signed', async () => {
    const impostor = { certificate: north.ca.certificate, privateKey: south.ca.privateKey }
    const subject = { commonName: 'forged', organisation: 'North Hospital', unit: 'peer' as const }
    const { certificate } = await issueLeaf(impostor, { subject }, Date.now())
    expect(() => membership.identify(serializeIdentity('NorthMSP', certificate))).toThrow(
      'not issued by the MSP',
    )
  })

  test('refuses what its authority has revoked, and takes no list of another one', async () => {
    const list = await createRevocationList(north.ca, [north.gateway.certificate], Date.now())
    const revoking = createMembership(
      new Map([[north.mspId, north.ca.certificate]]),
      new Map([[north.mspId, [list]]]),
    )
    const identify = (certificate: string) => () =>
      revoking.identify(serializeIdentity('NorthMSP', certificate))
    expect(identify(north.gateway.certificate)).toThrow('has been revoked')
    expect(identify(north.peer.certificate)).not.toThrow()
    const authorities = new Map([[south.mspId, south.ca.certificate]])
    expect(() => createMembership(authorities, new Map([[south.mspId, [list]]]))).toThrow('another authority')
  })

  test('refuses a certificate whose OU says nothing', async () => {
    const subject = { commonName: 'nobody', organisation: 'North Hospital' }
    const { certificate } = await issueLeaf(north.ca, { subject }, Date.now())
    expect(() => membership.identify(serializeIdentity('NorthMSP', certificate))).toThrow('must be a client')
  })

  test('takes signatures of the member over the very content only', () => {
    const signer = createSigner('NorthMSP', north.peer)
    const member = membership.identify(signer.identity)
    const signature = signer.sign(Buffer.from('a'), Buffer.from('b'))
    expect(membership.verify(member, Buffer.from('ab'), signature)).toBe(true)
    expect(membership.verify(member, Buffer.from('ac'), signature)).toBe(false)
    expect(membership.verify(member, Buffer.from('ab'), Buffer.alloc(0))).toBe(false)
  })

  test('says when a certificate does not hold any more or yet, which only matters where something comes in', async () => {
    const subject = { commonName: 'old', organisation: 'North Hospital', unit: 'client' as const }
    const later = await issueLeaf(north.ca, { subject }, Date.now() + yearMs)
    const member = membership.identify(serializeIdentity('NorthMSP', later.certificate))
    expect(expiryOf(member, Date.now())).toBe('identity is not valid yet')
    expect(expiryOf(member, Date.now() + 2 * yearMs)).toBeUndefined()
    expect(expiryOf(member, member.notAfter + 5000)).toBe('identity expired')
  })
})
