import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { decodeBlock, encodeBlock, type Block } from '../../scripts/network/fabric/block.ts'

/*
 * Chains that a real peer has judged, kept so that whoever has no Fabric can ask our validator for the same verdicts. A file
 * is a line of JSON that says where it comes from, then the peer's copies of the blocks, each behind its length.
 */

export interface Provenance {
  /** Version of the peer that judged. */
  readonly fabric: string
  readonly seed: number
  /** What the chain shows, in words. */
  readonly holds: string
}

export interface JudgedChain extends Provenance {
  readonly blocks: readonly Block[]
}

const folder = fileURLToPath(new URL('chains', import.meta.url))
const lengthSize = 4

/** Certificates come again in every transaction: a window over the whole file finds them. */
const compression = {
  params: {
    [constants.BROTLI_PARAM_LARGE_WINDOW]: 1,
    [constants.BROTLI_PARAM_LGWIN]: 26,
    [constants.BROTLI_PARAM_QUALITY]: 11,
  },
}

export function writeJudgedChain(name: string, { blocks, ...provenance }: JudgedChain): void {
  const parts: Uint8Array[] = [Buffer.from(`${JSON.stringify(provenance)}\n`)]
  for (const block of blocks) {
    const content = encodeBlock(block)
    const length = Buffer.alloc(lengthSize)
    length.writeUInt32BE(content.length)
    parts.push(length, content)
  }
  writeFileSync(join(folder, `${name}.br`), brotliCompressSync(Buffer.concat(parts), compression))
}

/** Names of the chains that are kept. */
export const judgedChains = (): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.br'))
    .map((name) => name.slice(0, -'.br'.length))
    .toSorted()

export function readJudgedChain(name: string): JudgedChain {
  const file = readFileSync(join(folder, `${name}.br`))
  const content = brotliDecompressSync(file, { params: { [constants.BROTLI_DECODER_PARAM_LARGE_WINDOW]: 1 } })
  let position = content.indexOf('\n') + 1
  const provenance = JSON.parse(content.subarray(0, position).toString()) as Provenance
  const blocks: Block[] = []
  while (position < content.length) {
    const length = content.readUInt32BE(position)
    position += lengthSize + length
    blocks.push(decodeBlock(content.subarray(position - length, position)))
  }
  return { ...provenance, blocks }
}
