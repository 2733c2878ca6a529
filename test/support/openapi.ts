import { Compile } from 'typebox/schema'
import type { OpenApiDocument, OpenApiOperation } from '../../gateway/src/openapi/index.ts'

/** An answer of a gateway, as a test has it. */
export interface AnswerToCheck {
  readonly status: number
  readonly type: string
  readonly body: string
}

interface Media {
  readonly schema: object
}

/** Says what is not as the document says; undefined when all is, or when the address is none of it. */
export type Objection = (method: string, url: string, answer: AnswerToCheck) => string | undefined

/** Holds real answers against the document of the interface. */
export function documented(document: OpenApiDocument): Objection {
  const paths = Object.entries(document.paths).map(([path, operations]) => ({
    path,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    operations,
  }))
  const isValid = cachedChecks()
  return (method, url, { status, type, body }) => {
    const [address = ''] = url.split('?')
    const found = paths.find(({ pattern }) => pattern.test(address))
    const operation: OpenApiOperation | undefined = found?.operations[method.toLowerCase()]
    if (found === undefined || operation === undefined) return undefined
    const name = `${method} ${found.path} ${status}`
    const response = operation.responses[String(status)]
    if (response === undefined) return `${name} is not documented: ${body}`
    const [media = ''] = type.split(';')
    const content: Media | undefined = response.content[media]
    if (content === undefined) return `${name} as ${media} is not documented`
    const value: unknown = media.endsWith('json') ? JSON.parse(body) : body
    return isValid(content.schema, value) ? undefined : `${name} is not as documented: ${body}`
  }
}

/** Whether a value is valid against a schema, which is compiled once. */
export function cachedChecks(): (schema: object, value: unknown) => boolean {
  const compiled = new WeakMap<object, (value: unknown) => boolean>()
  return (schema, value) => {
    let check = compiled.get(schema)
    if (check === undefined) {
      const validator = Compile(schema)
      check = (candidate) => validator.Check(candidate)
      compiled.set(schema, check)
    }
    return check(value)
  }
}
