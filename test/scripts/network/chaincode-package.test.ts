import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { chaincodePackage } from '../../../scripts/network/chaincode-package.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'

/** The files of a tar archive, by name. */
function untar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = 0; archive[at] !== 0 && at < archive.length;) {
    const name = archive
      .subarray(at, at + 100)
      .toString('latin1')
      .replaceAll('\u0000', '')
    const size = Number.parseInt(archive.subarray(at + 124, at + 135).toString('latin1'), 8)
    const sum = Number.parseInt(archive.subarray(at + 148, at + 154).toString('latin1'), 8)
    const header = Buffer.from(archive.subarray(at, at + 512)).fill(' ', 148, 156)
    expect(sum).toBe(header.reduce((total, byte) => total + byte, 0))
    files.set(name, archive.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

describe('the chaincode package', () => {
  // The id that Fabric's own `peer lifecycle chaincode calculatepackageid` gives for it.
  const id = 'medledger_1:2e57c6e9811d7e945ea1a779dc893c0608ace297bad9ea27c50b78fa04a74bfd'

  test('has the same id wherever and whenever it is made, and the topology names it', () => {
    expect(chaincodePackage('medledger_1').id).toBe(id)
    expect(demoTopology().chaincode.packageId).toBe(id)
  })

  test('has another id under another label', () => {
    expect(chaincodePackage('medledger_2').id).not.toContain(id.slice(id.indexOf(':')))
  })

  test('says that the chaincode is a service over mutual TLS, whose address and keys each peer fills in', () => {
    const files = untar(gunzipSync(chaincodePackage('medledger_1').content))
    expect([...files.keys()]).toEqual(['metadata.json', 'code.tar.gz'])
    expect(JSON.parse(String(files.get('metadata.json')))).toEqual({ type: 'ccaas', label: 'medledger_1' })
    const code = untar(gunzipSync(files.get('code.tar.gz') ?? Buffer.alloc(0)))
    expect(JSON.parse(String(code.get('connection.json')))).toEqual({
      address: '{{.address}}',
      dial_timeout: '10s',
      tls_required: true,
      client_auth_required: true,
      client_key: '{{.key}}',
      client_cert: '{{.cert}}',
      root_cert: '{{.ca}}',
    })
  })
})
