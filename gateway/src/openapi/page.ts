import { createHash } from 'node:crypto'
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from './document.ts'

const style = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24 }
code, pre { font: .875rem/1.4 ui-monospace, monospace } pre { background: #f3f5f7; padding: .75rem; overflow: auto }
summary { cursor: pointer; padding: .4rem 0 } summary code { font-weight: 600 } details details { margin-left: 1rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0 }
a { color: #0b57a4 }
@media (prefers-color-scheme: dark) { body { background: #14171a; color: #e6e8ea } pre { background: #1f2429 } a { color: #8ec2ff } }
`

/** Nothing but the page's own style is loaded or run. */
export const pagePolicy = {
  'default-src': ["'none'"],
  'style-src': [`'sha256-${createHash('sha256').update(style).digest('base64')}'`],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const json = (value: unknown): string => `<pre>${escaped(JSON.stringify(value, undefined, 2))}</pre>`

/** The document as a page for people, without scripts: there is nothing on it to try, and nothing that could leak. */
export function pageOf(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const sections = document.tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name))
    const shown = own.map(({ path, method, operation }) => operationHtml(path, method, operation))
    return `<h2>${escaped(name)}</h2><p>${escaped(description)}</p>${shown.join('')}`
  })
  const { title, description } = document.info
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>` +
    `<meta name="viewport" content="width=device-width"><style>${style}</style>` +
    `<h1>${escaped(title)}</h1><p>${escaped(description)}</p><p><a href="/openapi.json">OpenAPI 3.1</a></p>` +
    `${sections.join('')}</html>`
  )
}

function operationHtml(path: string, method: string, operation: OpenApiOperation): string {
  const { summary, description = '', parameters = [], requestBody, responses } = operation
  const answers = Object.entries(responses).map(([status, { description, content }]) => {
    const medias = Object.entries(content).map(
      ([type, { schema, example, examples = {} }]) =>
        `<p><code>${escaped(type)}</code></p>${examplesHtml(example, examples)}${schemaHtml(schema)}`,
    )
    return `<details><summary>${escaped(status)} ${escaped(description)}</summary>${medias.join('')}</details>`
  })
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema, example, examples = {} }]) =>
      `<p>Body: <code>${escaped(type)}</code></p>${examplesHtml(example, examples)}${schemaHtml(schema)}`,
  )
  return (
    `<details><summary><code>${method.toUpperCase()} ${escaped(path)}</code> ${escaped(summary)}</summary>` +
    `<p>${escaped(description)}</p>${parametersHtml(parameters)}${bodies.join('')}${answers.join('')}</details>`
  )
}

const examplesHtml = (example: unknown, examples: Readonly<Record<string, { value: unknown }>>): string =>
  [...(example === undefined ? [] : [example]), ...Object.values(examples).map(({ value }) => value)]
    .map(json)
    .join('')

const schemaHtml = (schema: unknown): string => `<details><summary>Schema</summary>${json(schema)}</details>`

function parametersHtml(parameters: readonly OpenApiParameter[]): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(
    ({ name, in: where, required, description = '', example = '' }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${where}${required ? ', required' : ''}</td>` +
      `<td>${escaped(description)}</td><td><code>${escaped(example)}</code></td></tr>`,
  )
  return `<table><tr><th>parameter</th><th>in</th><th></th><th>example</th></tr>${rows.join('')}</table>`
}
