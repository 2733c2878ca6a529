import { request, type RequestOptions } from 'node:https'
import type { OrganisationCredentials } from '../issue.ts'
import { hostOf } from '../names.ts'
import { containerPorts } from '../reach.ts'

/** What an orderer says of a channel (Fabric's channel participation interface). */
export interface Participation {
  /** `active` follows and orders; `onboarding` catches up. */
  readonly status: string
  readonly height: number
}

export interface OrdererAdministration {
  /** Undefined when it has not joined. Errors: those of the connection; Error with the orderer's words. */
  participation(channel: string): Promise<Participation | undefined>
  /** Has it join with a channel's genesis block. */
  join(genesis: Buffer): Promise<void>
}

const timeoutMs = 10_000
const created = 201

interface Answer {
  readonly status: number
  readonly text: string
}

function send(options: RequestOptions, body?: Buffer): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const asked = request({ ...options, timeout: timeoutMs, agent: false }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => void chunks.push(chunk))
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
    )
    response.on('error', reject)
  })
  asked.on('timeout', () => asked.destroy(new Error('the orderer does not answer')))
  asked.on('error', reject)
  asked.end(body)
  return promise
}

/** An orderer's channel participation, over mutual TLS with a certificate of the same authority. */
export function administerOrderer(
  organisation: string,
  { tlsCa, tls }: Pick<OrganisationCredentials, 'tlsCa' | 'tls'>,
): OrdererAdministration {
  const common: RequestOptions = {
    host: hostOf('orderer', organisation),
    port: containerPorts.participation,
    ca: tlsCa.certificate,
    cert: tls.admin.certificate,
    key: tls.admin.privateKey,
  }
  return {
    async participation(channel) {
      const { status, text } = await send({ ...common, path: `/participation/v1/channels/${channel}` })
      if (status === 404) return undefined
      if (status !== 200) throw new Error(`the orderer of ${organisation} answered ${status}: ${text}`)
      const found = JSON.parse(text) as { readonly status: string; readonly height: number }
      return { status: found.status, height: found.height }
    },
    async join(genesis) {
      const form = new FormData()
      form.set('config-block', new Blob([new Uint8Array(genesis)]), 'genesis.block')
      const multipart = new Response(form)
      const headers = { 'content-type': multipart.headers.get('content-type') ?? '' }
      const body = Buffer.from(await multipart.arrayBuffer())
      const path = '/participation/v1/channels'
      const { status, text } = await send({ ...common, method: 'POST', path, headers }, body)
      if (status !== created)
        throw new Error(`the orderer of ${organisation} would not join: ${status} ${text}`)
    },
  }
}
