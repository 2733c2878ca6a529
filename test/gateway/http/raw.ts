import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** By lower-case name; the values of a repeated one are joined. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** All that a connection gave until the server closed it. */
export interface Conversation {
  /** Final answers only; interim ones are counted. */
  readonly answers: readonly RawAnswer[]
  readonly interim: number
  /** Bytes after the last whole answer. */
  readonly rest: string
}

/** Starts an application on a free loopback port and gives the port. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

/** Sends bytes as they are and reads until the server closes the connection. With `isCut`, we close our side at once. */
export function converse(
  port: number,
  bytes: string | Uint8Array,
  { isCut = false }: { readonly isCut?: boolean } = {},
): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = []
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const done = (): void => resolve(parse(Buffer.concat(received).toString('latin1')))
    socket.setTimeout(8000, () => {
      socket.destroy()
      reject(new Error(`no end after: ${Buffer.concat(received).toString('latin1')}`))
    })
    socket.on('data', (chunk: Buffer) => received.push(chunk))
    socket.on('end', () => {
      socket.end()
      done()
    })
    // What was refused may be reset before all of it was sent.
    socket.on('error', done)
    if (isCut) socket.end(bytes)
    else socket.write(bytes)
  })
}

function parse(text: string): Conversation {
  const answers: RawAnswer[] = []
  let interim = 0
  let rest = text
  for (let found = firstIn(rest); found !== undefined; found = firstIn(rest)) {
    rest = rest.slice(found.length)
    if (found.answer.status < 200) interim += 1
    else answers.push(found.answer)
  }
  return { answers, interim, rest }
}

/** The first whole answer in a text, and how much of the text it is. */
function firstIn(text: string): { readonly answer: RawAnswer; readonly length: number } | undefined {
  const start = text.indexOf('\r\n\r\n') + 4
  if (start < 4) return undefined
  const [statusLine = '', ...lines] = text.slice(0, start - 4).split('\r\n')
  const headers = headersIn(lines)
  // What the server itself refuses it sends as an empty chunked body.
  const isEmpty = headers['transfer-encoding'] === 'chunked' && text.startsWith('0\r\n\r\n', start)
  const length = start + (isEmpty ? 5 : Number(headers['content-length'] ?? 0))
  if (text.length < length) return undefined
  const body = isEmpty ? '' : Buffer.from(text.slice(start, length), 'latin1').toString('utf8')
  return { answer: { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]), headers, body }, length }
}

function headersIn(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  return headers
}
