import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** What the supervisor can be told from outside. Its errors are one line each. */
export interface ControlHandler {
  /** Begins to stop everything; returns at once. */
  stopAll(): void
  stopPart(part: string): Promise<void>
  startPart(part: string): Promise<void>
  status(): readonly PartStatus[]
}

export interface PartStatus {
  readonly part: string
  readonly running: boolean
}

/** Bytes that the path of a socket may have on every system that we run on. */
const longestSocketPath = 100

/** The socket lies in the data directory; where that path is too long, in a folder that only this user can enter. */
async function choosePath(preferred: string): Promise<string> {
  if (Buffer.byteLength(preferred) <= longestSocketPath) return preferred
  return join(await mkdtemp(join(tmpdir(), 'medledger-')), 'control.sock')
}

export interface ControlServer {
  readonly path: string
  close(): Promise<void>
}

async function answer(handler: ControlHandler, route: string): Promise<{ status: number; body: object }> {
  const [method, , first, part, action] = route.split(/[ /]/)
  try {
    if (route === 'GET /status') return { status: 200, body: { parts: handler.status() } }
    if (route === 'POST /stop') {
      handler.stopAll()
      return { status: 202, body: {} }
    }
    if (method === 'POST' && first === 'parts' && part !== undefined) {
      if (action === 'stop') await handler.stopPart(part)
      else if (action === 'start') await handler.startPart(part)
      else return { status: 404, body: { message: 'There is no such action.' } }
      return { status: 200, body: {} }
    }
    return { status: 404, body: { message: 'There is no such action.' } }
  } catch (error) {
    const { message } = error as Error
    return { status: error instanceof RangeError ? 404 : 500, body: { message } }
  }
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, () => resolve())
  return promise
}

/**
 * Serves the control interface at a Unix socket. The caller holds the directory's lock, so that a socket that lies there
 * is a dead instance's and is replaced.
 */
export async function serveControl(preferred: string, handler: ControlHandler): Promise<ControlServer> {
  const path = await choosePath(preferred)
  await rm(path, { force: true })
  const server = createServer((incoming, response) => {
    incoming.resume()
    void (async () => {
      const { status, body } = await answer(handler, `${incoming.method} ${incoming.url}`)
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
      response.end(JSON.stringify(body))
    })()
  })
  await listen(server, path)
  return {
    path,
    async close() {
      server.closeAllConnections()
      server.close()
      await rm(path === preferred ? path : dirname(path), { recursive: true, force: true })
    },
  }
}

export interface ControlAnswer {
  readonly status: number
  readonly body: { readonly message?: string; readonly parts?: readonly PartStatus[] }
}

/** Asks a running supervisor. Errors: those of the connection when none answers. */
export function askControl(path: string, method: 'GET' | 'POST', route: string): Promise<ControlAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ControlAnswer>()
  const asked = request({ socketPath: path, method, path: route, timeout: 30_000 }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => void chunks.push(chunk))
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      try {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as ControlAnswer['body'] })
      } catch (error) {
        reject(error)
      }
    })
    response.on('error', reject)
  })
  asked.on('timeout', () => asked.destroy(new Error('the instance does not answer')))
  asked.on('error', reject)
  asked.end()
  return promise
}
