import { createRequire } from 'node:module'
import type { Credentials } from '../../issue.ts'
import { credentialsOf } from '../../profile.ts'
import { portsOf, type Topology } from '../../topology.ts'

/**
 * The command line, after the Node executable, of a chaincode process; it runs in the folder of the chaincode package
 * and with {@link chaincodeEnvironment}.
 */
export const chaincodeCommand = (): readonly string[] => [
  createRequire(import.meta.url).resolve('fabric-shim/cli.js'),
  'server',
]

/** Where an organisation's chaincode process listens. */
export const chaincodeAddress = (topology: Topology, organisation: string): string =>
  `127.0.0.1:${portsOf(topology, organisation).chaincode}`

/**
 * What fabric-shim's `server` command reads from the environment: its address and id, mutual TLS with the
 * organisation's own peer, and the organisation itself. Errors: RangeError when there is no such organisation.
 */
export function chaincodeEnvironment(
  topology: Topology,
  credentials: Credentials,
  organisation: string,
): Record<string, string> {
  const { mspId, tls, tlsCa } = credentialsOf(credentials, organisation)
  return {
    CORE_CHAINCODE_ID: topology.chaincode.packageId,
    CORE_CHAINCODE_ADDRESS: chaincodeAddress(topology, organisation),
    CORE_CHAINCODE_TLS_KEY_FILE: tls.chaincode.privateKeyFile,
    CORE_CHAINCODE_TLS_CERT_FILE: tls.chaincode.certificateFile,
    CORE_CHAINCODE_TLS_CLIENT_CACERT_FILE: tlsCa.certificateFile,
    CORE_PEER_LOCALMSPID: mspId,
  }
}
