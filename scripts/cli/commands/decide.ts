import { decideCase } from 'medledger-chaincode/core'
import { exitCodes, Failure } from '../exit-codes.ts'
import { writeJson, type Output } from '../output.ts'

/** The largest case, in bytes. */
const maximumBytes = 32 * 1024 * 1024
const lineFeed = 0x0a

export interface DecideOptions {
  readonly ndjson?: true
}

/**
 * `medledger decide`: reads one case as JSON and writes its decision; with `--ndjson` a case and a decision a line, in order.
 * A malformed case is answered `{"error":{"code","message"}}`. Errors: exit 2 for one that is the only one.
 */
export async function decideCommand(
  { ndjson }: DecideOptions,
  output: Output,
  input: AsyncIterable<Uint8Array> = process.stdin,
): Promise<void> {
  if (ndjson) {
    for await (const line of linesOf(input)) if (!isBlank(line)) writeJson(output, answer(line))
    return
  }
  const given = answer(await allOf(input))
  writeJson(output, given)
  if ('error' in given) throw new Failure(exitCodes.badInput, `This is no case: ${given.error.message}`)
}

type Answer =
  | ReturnType<typeof decideCase>
  | { readonly error: { readonly code: string; readonly message: string } }

const tooLarge = `A case has at most ${maximumBytes} bytes.`

/** Whatever goes wrong with a case, the answer to it is never a permit. */
function answer(bytes: Buffer | undefined): Answer {
  if (bytes === undefined) return { error: { code: 'INVALID_REQUEST', message: tooLarge } }
  try {
    return decideCase(parse(bytes))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'INVALID_REQUEST') {
      return { error: { code: 'INVALID_REQUEST', message: error.message } }
    }
    return { error: { code: 'INTERNAL', message: 'The case met an unexpected fault and is not decided.' } }
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    // The parser's own words repeat what it has read.
    throw Object.assign(new Error('A case is JSON in UTF-8.'), { code: 'INVALID_REQUEST' })
  }
}

const isBlank = (line: Buffer | undefined): boolean =>
  line !== undefined && line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)

async function allOf(input: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of input) {
    length += chunk.length
    if (length > maximumBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Lines that end with LF and with nothing else; undefined in the place of one that is too long. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | undefined> {
  let parts: Uint8Array[] = []
  let length = 0
  const take = (): Buffer | undefined => {
    const line = length > maximumBytes ? undefined : Buffer.concat(parts)
    parts = []
    length = 0
    return line
  }
  for await (const chunk of input) {
    let from = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      length += end - from
      if (length <= maximumBytes) parts.push(chunk.subarray(from, end))
      yield take()
      from = end + 1
    }
    length += chunk.length - from
    if (length > maximumBytes) parts = []
    else parts.push(chunk.subarray(from))
  }
  if (length > 0) yield take()
}
