import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vitest/node'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** A source file by its path from the repository's root, with `/`. */
export interface Source {
  readonly path: string
  readonly text: string
}

type Node = Readonly<Record<string, unknown>>
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value

/** Stands for what an import names when that is computed, and so cannot be checked. */
export const computed = '(computed)'

const literalOf = (value: unknown): string =>
  isNode(value) && value['type'] === 'Literal' && typeof value['value'] === 'string'
    ? value['value']
    : computed

const isCallOf = (callee: unknown, name: string): boolean =>
  isNode(callee) && callee['type'] === 'Identifier' && callee['name'] === name

/** `require('x')`, and `createRequire(import.meta.url)('x')`. */
function isRequire({ callee }: Node): boolean {
  if (isCallOf(callee, 'require')) return true
  return isNode(callee) && callee['type'] === 'CallExpression' && isCallOf(callee['callee'], 'createRequire')
}

/** What a node of the syntax tree imports, if it is an import of any form. */
function importedBy(node: Node): string | undefined {
  switch (node['type']) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literalOf(node['source'])
    case 'ExportNamedDeclaration':
      return node['source'] === null ? undefined : literalOf(node['source'])
    case 'TSExternalModuleReference':
      return literalOf(node['expression'])
    case 'CallExpression':
      return isRequire(node) ? literalOf((node['arguments'] as unknown[])[0]) : undefined
    default:
      return undefined
  }
}

function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesOf(item)
  } else if (typeof value === 'object' && value !== null) {
    if (isNode(value)) yield value
    for (const member of Object.values(value)) yield* nodesOf(member)
  }
}

/** Everything that a file imports, types included, as it is written there. */
export function importsOf({ path, text }: Source): string[] {
  const lang = path.endsWith('x') ? 'tsx' : path.endsWith('.js') ? 'js' : 'ts'
  const imported = [...nodesOf(parseAst(text, { lang }))].map(importedBy)
  return [...new Set(imported.filter((name) => name !== undefined))]
}

/** The sources under some folders, without what is installed or hidden. */
export async function readSources(folders: readonly string[]): Promise<Source[]> {
  const found = await Promise.all(folders.map((folder) => pathsUnder(folder)))
  return Promise.all(found.flat().map(async (path) => ({ path, text: await readFile(root + path, 'utf8') })))
}

async function pathsUnder(folder: string): Promise<string[]> {
  const entries = await readdir(root + folder, { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = `${folder}/${entry.name}`
      if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
      if (entry.isDirectory()) return pathsUnder(path)
      return /\.(ts|tsx|mts|js|jsx|mjs|cjs)$/.test(entry.name) ? [path] : []
    }),
  )
  return found.flat().sort()
}
