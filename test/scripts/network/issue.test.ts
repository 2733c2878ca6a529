import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLowS } from '../../../scripts/network/ecdsa.ts'
import {
  issueCredentials,
  revokeCertificates,
  type OrganisationCredentials,
} from '../../../scripts/network/issue.ts'
import { connectionProfile, credentialsOf } from '../../../scripts/network/profile.ts'
import { readRevocationList, serialNumberOf } from '../../../scripts/network/revocations.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'

const topology = demoTopology(18_880)
const directory = mkdtempSync(join(tmpdir(), 'medledger-issue-'))
let north: OrganisationCredentials

beforeAll(async () => {
  north = credentialsOf(await issueCredentials(topology, directory), 'north')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const read = (pem: string): X509Certificate => new X509Certificate(pem)

/** The signature is the last element of a certificate: a BIT STRING without unused bits. */
function signatureOf({ raw }: X509Certificate): Buffer {
  const length = raw
    .subarray(-80)
    .findIndex((byte, index, tail) => byte === 0x03 && tail[index + 1] === tail.length - index - 2)
  return raw.subarray(raw.length - 80 + length + 3)
}

describe('certificates', () => {
  test('are issued by the authority of their kind, and never by the other', () => {
    const identities = [north.peer, north.orderer, north.gateway, north.operator, north.admin]
    for (const { certificate } of identities) {
      expect(read(certificate).checkIssued(read(north.ca.certificate))).toBe(true)
      expect(read(certificate).verify(read(north.ca.certificate).publicKey)).toBe(true)
    }
    for (const { certificate } of Object.values(north.tls)) {
      expect(read(certificate).verify(read(north.tlsCa.certificate).publicKey)).toBe(true)
      expect(read(certificate).checkIssued(read(north.ca.certificate))).toBe(false)
    }
  })

  test.each([
    ['peer', 'peer'],
    ['orderer', 'orderer'],
    ['gateway', 'client'],
    ['operator', 'client'],
    ['admin', 'admin'],
  ] as const)('of the %s say that it is a %s', (name, unit) => {
    const { certificate, privateKey } = north[name]
    expect(read(certificate).subject.split('\n')).toContain(`OU=${unit}`)
    expect(privateKey).toContain('BEGIN PRIVATE KEY')
  })

  test('carry the role of a client as Fabric reads it', () => {
    const attributes = Buffer.from(JSON.stringify({ attrs: { 'medledger.role': 'operator' } }))
    expect(read(north.operator.certificate).raw.includes(attributes)).toBe(true)
    expect(read(north.admin.certificate).raw.includes('medledger.role')).toBe(false)
  })

  test('for TLS are for the host, and for this machine', () => {
    const exchange = read(north.tls.exchange.certificate)
    expect(exchange.checkHost('exchange.north.medledger.test')).toBeDefined()
    expect(exchange.checkHost('localhost')).toBeDefined()
    expect(exchange.checkIP('127.0.0.1')).toBeDefined()
    expect(exchange.checkHost('exchange.south.medledger.test')).toBeUndefined()
    expect(exchange.subject.split('\n')).toContain('O=north')
  })

  test('have low-S signatures', () => {
    const pairs = [north.ca, north.tlsCa, north.peer, north.gateway, ...Object.values(north.tls)]
    for (const { certificate } of pairs) expect(isLowS(signatureOf(read(certificate)))).toBe(true)
  })
})

describe('files', () => {
  test('can be read by their owner only, where they hold a key', () => {
    expect(statSync(north.peer.privateKeyFile).mode % 0o1000).toBe(0o600)
    expect(statSync(join(directory, 'north')).mode % 0o1000).toBe(0o700)
  })

  test('are never written twice', async () => {
    const before = readFileSync(north.peer.privateKeyFile, 'utf8')
    expect(credentialsOf(await issueCredentials(topology, directory), 'north')).toEqual(north)
    expect(readFileSync(north.peer.privateKeyFile, 'utf8')).toBe(before)
  })

  test.each(['cert.pem', 'key.pem'])('without their %s are an error that names it', async (missing) => {
    const half = mkdtempSync(join(tmpdir(), 'medledger-issue-'))
    await issueCredentials(topology, half)
    const file = join(half, 'south', 'admin', missing)
    rmSync(file)
    await expect(issueCredentials(topology, half)).rejects.toThrow(`but ${file} does not`)
    rmSync(half, { recursive: true })
  })
})

describe('revocation', () => {
  const list = join(directory, 'south', 'ca', 'crl.pem')
  const credentialsNow = async (): Promise<OrganisationCredentials> =>
    credentialsOf(await issueCredentials(topology, directory), 'south')

  test("adds to the organisation's list, which its authority signs and nobody else", async () => {
    const south = await credentialsNow()
    expect(south.revocations).toEqual([])
    await revokeCertificates(directory, 'south', [south.gateway.certificate])
    await revokeCertificates(directory, 'south', [south.peer.certificate])
    const { revocations } = await credentialsNow()
    expect(revocations).toEqual([readFileSync(list, 'utf8')])
    const serials = readRevocationList(revocations[0] ?? '', south.ca.certificate)
    expect(serials).toEqual(
      new Set(
        [south.gateway, south.peer].map(({ certificate }) =>
          serialNumberOf(new X509Certificate(certificate)),
        ),
      ),
    )
    expect(() => readRevocationList(revocations[0] ?? '', north.ca.certificate)).toThrow(
      'of another authority',
    )
  })

  test('is of the own certificates only', async () => {
    const before = readFileSync(list, 'utf8')
    await expect(revokeCertificates(directory, 'south', [north.peer.certificate])).rejects.toThrow(
      'was not issued by this authority',
    )
    expect(readFileSync(list, 'utf8')).toBe(before)
    await expect(revokeCertificates(directory, 'west', [north.peer.certificate])).rejects.toThrow('ENOENT')
  })

  test('is told apart from a list that somebody has changed', () => {
    const content = Buffer.from(readFileSync(list, 'utf8').replaceAll(/-----.*-----|\s/g, ''), 'base64')
    const changed = Buffer.from(content)
    const south = readFileSync(join(directory, 'south', 'ca', 'cert.pem'), 'utf8')
    const gateway = readFileSync(join(directory, 'south', 'gateway', 'cert.pem'), 'utf8')
    const serial = Buffer.from(new X509Certificate(gateway).serialNumber, 'hex')
    const place = content.indexOf(serial)
    changed.writeUInt8(changed.readUInt8(place + 5) === 1 ? 2 : 1, place + 5)
    const pem = `-----BEGIN X509 CRL-----\n${changed.toString('base64')}\n-----END X509 CRL-----\n`
    expect(() => readRevocationList(pem, south)).toThrow('not signed by its authority')
  })
})

describe('the connection profile', () => {
  test('names every peer, the one orderer, and the own organisation', async () => {
    const profile = connectionProfile(topology, await issueCredentials(topology, directory), 'south')
    expect(profile.client.organization).toBe('SouthMSP')
    expect(Object.keys(profile.peers)).toEqual([
      'peer.north.medledger.test',
      'peer.south.medledger.test',
      'peer.authority.medledger.test',
    ])
    expect(profile.peers['peer.north.medledger.test']).toMatchObject({
      url: 'grpcs://localhost:18886',
      tlsCACerts: { pem: north.tlsCa.certificate },
    })
    expect(profile.channels['medledger']?.orderers).toEqual(['orderer.authority.medledger.test'])
  })

  test('of an unknown organisation is an error', () => {
    expect(() => connectionProfile(topology, new Map(), 'west')).toThrow(RangeError)
  })
})
