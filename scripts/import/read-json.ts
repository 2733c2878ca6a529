import { visit } from 'jsonc-parser'
import { BadInput } from './bad-input.ts'

/** A bundle of a whole life is a few megabytes; far beyond that, the file is something else. */
const maximumBytes = 100 * 1024 * 1024

/**
 * Reads JSON strictly: UTF-8 throughout and no member name twice in an object (RFC 8259, section 4, leaves open which
 * of them counts, so that two readers could see two different records).
 * Errors: {@link BadInput}.
 */
export function readJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength > maximumBytes)
    throw new BadInput(`The file is larger than ${maximumBytes / 1024 / 1024} MiB.`)
  const text = decode(bytes)
  const value = parse(text)
  refuseDuplicates(text)
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new BadInput('The file is not UTF-8 text.')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the content, which may name a patient.
    throw new BadInput('The file is not JSON.')
  }
}

function refuseDuplicates(text: string): void {
  const open: Set<string>[] = []
  const onObjectProperty = (...[name, , , line]: [string, number, number, number, ...unknown[]]): void => {
    const names = open.at(-1)
    if (names?.has(name) === true)
      throw new BadInput(`An object in the file has a member name twice, at line ${line + 1}.`)
    names?.add(name)
  }
  try {
    visit(text, {
      onObjectBegin: () => {
        open.push(new Set())
      },
      onObjectProperty,
      onObjectEnd: () => void open.pop(),
    })
  } catch (error) {
    if (error instanceof RangeError) throw new BadInput('The JSON in the file is nested too deeply.')
    throw error
  }
}
