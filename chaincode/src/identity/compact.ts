import { tokenLimits } from './limits.ts'
import { invalidToken } from './refusal.ts'

/** The three parts of a JWS in compact form (RFC 7515, section 7.1). */
export interface CompactParts {
  readonly header: Buffer
  readonly payload: Buffer
  readonly signature: Buffer
  /** What is signed: the first two parts as they stand, with the dot. */
  readonly signed: Buffer
}

const compactForm = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/

/**
 * Takes a token apart. Each part must be the one base64url text of its bytes: no padding, no other alphabet, no unused bits
 * that are set (RFC 4648, section 3.5), so that a token has one spelling only. Errors: INVALID_TOKEN.
 */
export function parseCompact(token: string): CompactParts {
  if (token.length > tokenLimits.characters) throw invalidToken()
  const [, header = '', payload = '', signature = ''] = compactForm.exec(token) ?? []
  return {
    header: bytesOf(header, tokenLimits.headerCharacters),
    payload: bytesOf(payload, tokenLimits.payloadCharacters),
    signature: bytesOf(signature, tokenLimits.signatureCharacters),
    signed: Buffer.from(`${header}.${payload}`, 'ascii'),
  }
}

function bytesOf(text: string, longest: number): Buffer {
  if (text.length === 0 || text.length > longest) throw invalidToken()
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw invalidToken()
  return bytes
}
