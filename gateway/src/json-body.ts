import { visit } from 'jsonc-parser'
import { GatewayError } from './error.ts'

const depthLimit = 64

/**
 * A request's JSON body, read strictly (RFC 8259): UTF-8 only, no duplicate names (readers disagree about which one
 * counts), no deeper than 64 levels. Errors: INVALID_REQUEST, without anything of the content.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new GatewayError('INVALID_REQUEST', 'The body is not JSON.')
  }
  requireUniqueNames(text)
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new GatewayError('INVALID_REQUEST', 'The body is not UTF-8 text.')
  }
}

function requireUniqueNames(text: string): void {
  const open: Set<string>[] = []
  let depth = 0
  const enter = (): void => {
    depth += 1
    if (depth > depthLimit)
      throw new GatewayError('INVALID_REQUEST', `The body is nested deeper than ${depthLimit} levels.`)
  }
  visit(
    text,
    {
      onObjectBegin() {
        enter()
        open.push(new Set())
      },
      onObjectProperty(name) {
        const names = open.at(-1)
        if (names?.has(name) === true)
          throw new GatewayError('INVALID_REQUEST', 'A name occurs twice in one object.')
        names?.add(name)
      },
      onObjectEnd() {
        depth -= 1
        open.pop()
      },
      onArrayBegin: enter,
      onArrayEnd() {
        depth -= 1
      },
    },
    { disallowComments: true },
  )
}
