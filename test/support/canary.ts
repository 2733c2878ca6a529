import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** How a text may lie in a file or an answer without being seen at first sight. */
export interface Encoding {
  readonly name: string
  readonly encode: (text: string) => Buffer
}

const each = (text: string, write: (unit: number) => string): string =>
  Array.from(text, (character) => write(character.charCodeAt(0))).join('')
const hex = (text: string): string => Buffer.from(text).toString('hex')
const padded = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** What does not change of a text's base64 when other bytes stand before and after it. */
function base64At(text: string, before: number, form: 'base64' | 'base64url'): string {
  const encoded = Buffer.from(`${'.'.repeat(before)}${text}`).toString(form)
  const bits = (before + Buffer.byteLength(text)) * 8
  return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6))
}

/** ASCII texts only: they are the same in every byte-oriented character set. */
export const encodings: readonly Encoding[] = [
  { name: 'UTF-8', encode: (text) => Buffer.from(text) },
  { name: 'UTF-16LE', encode: (text) => Buffer.from(text, 'utf16le') },
  { name: 'UTF-16BE', encode: (text) => Buffer.from(text, 'utf16le').swap16() },
  ...[0, 1, 2].flatMap((before): Encoding[] =>
    (['base64', 'base64url'] as const).map((form) => ({
      name: `${form}, ${before} bytes on`,
      encode: (text) => Buffer.from(base64At(text, before, form)),
    })),
  ),
  { name: 'hex', encode: (text) => Buffer.from(hex(text)) },
  { name: 'HEX', encode: (text) => Buffer.from(hex(text).toUpperCase()) },
  { name: 'percent', encode: (text) => Buffer.from(each(text, (unit) => `%${padded(unit, 2)}`)) },
  {
    name: 'PERCENT',
    encode: (text) => Buffer.from(each(text, (unit) => `%${padded(unit, 2).toUpperCase()}`)),
  },
  { name: 'JSON \\u', encode: (text) => Buffer.from(each(text, (unit) => `\\u${padded(unit, 4)}`)) },
]

/** How often a text occurs in some bytes, by encoding; encodings in which it does not occur are left out. */
export function occurrences(bytes: Buffer, text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const { name, encode } of encodings) {
    const needle = encode(text)
    let count = 0
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length)) count += 1
    if (count > 0) found.set(name, count)
  }
  return found
}

/** Every regular file in a directory and below; sockets hold nothing. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    const found = statSync(path)
    if (found.isDirectory()) return filesBelow(path)
    return found.isFile() ? [path] : []
  })
}

/** A place to scan: what it is, and its bytes. */
export interface Place {
  readonly name: string
  readonly bytes: Buffer
}

export const placesBelow = (directory: string, name: (path: string) => string): Place[] =>
  filesBelow(directory).map((path) => ({ name: name(path), bytes: readFileSync(path) }))

/** One row for each kind of place: files, bytes, and how often each text was found, however encoded. */
export interface Scan {
  readonly place: string
  readonly parts: number
  readonly bytes: number
  readonly found: readonly number[]
}

export function scan(places: readonly Place[], texts: readonly string[]): Scan[] {
  return [...Map.groupBy(places, ({ name }) => name)].map(([place, parts]) => ({
    place,
    parts: parts.length,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes.length, 0),
    found: texts.map((text) =>
      parts.reduce(
        (sum, { bytes }) =>
          sum + [...occurrences(bytes, text).values()].reduce((all, count) => all + count, 0),
        0,
      ),
    ),
  }))
}
