import { readFile, stat } from 'node:fs/promises'
import { isR5 } from 'medledger-chaincode/core'
import { isObject, type Json } from '../../import/resource.ts'
import { exitCodes, Failure } from '../exit-codes.ts'

/** More than any Consent that a gateway takes, however it is spaced. */
const maximumBytes = 256 * 1024

/**
 * A FHIR Consent, R4 or R5, from a file; where it does not say whose it is, it is this patient's. Whether it can be applied is
 * for the gateway to say. Errors: exit 2, naming what is wrong with the file and nothing of its content.
 */
export async function readConsentFile(file: string, patient: string): Promise<Json> {
  const consent = parse(await read(file))
  if (!isObject(consent) || consent['resourceType'] !== 'Consent')
    throw new Failure(exitCodes.badInput, 'The file is not a FHIR Consent.')
  const member = isR5(consent) ? 'subject' : 'patient'
  return consent[member] === undefined
    ? { ...consent, [member]: { reference: `Patient/${patient}` } }
    : consent
}

async function read(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file)
    if (size <= maximumBytes) return await readFile(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(exitCodes.badInput, `The file cannot be read (${code ?? 'unknown reason'}).`)
  }
  throw new Failure(exitCodes.badInput, `The file has more than ${maximumBytes} bytes.`)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    throw new Failure(exitCodes.badInput, 'The file is not JSON in UTF-8.')
  }
}
