import { setTimeout as pause } from 'node:timers/promises'
import { addressesOf, type Addresses } from '../../start/addresses.ts'
import { isAlive } from '../../start/alive.ts'
import { askControl, type PartStatus } from '../../start/control.ts'
import { readServices } from '../../start/docker/file.ts'
import { openDockerNetwork } from '../../start/docker/open.ts'
import type { GatewayAddress } from '../../start/topologies.ts'
import { readReadiness } from '../../start/wait.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import type { CommonOptions } from '../options.ts'
import { table, writeJson, type Output } from '../output.ts'
import { openSession, requireInstance } from '../session.ts'

const stopTimeoutMs = 30_000
const pollMs = 50

async function ask(control: string, method: 'GET' | 'POST', route: string): Promise<readonly PartStatus[]> {
  const { status, body } = await askControl(control, method, route).catch((error: unknown) => {
    throw new Failure(exitCodes.unavailable, 'The instance does not answer.', { cause: error })
  })
  if (status < 300) return body.parts ?? []
  throw new Failure(status === 404 ? exitCodes.badInput : exitCodes.error, body.message ?? 'It failed.')
}

type State = 'ready' | 'degraded' | 'not ready'

interface GatewayState {
  readonly organisation: string
  readonly url: string
  readonly state: State
  /** What does not work, by the names of `/readyz`. */
  readonly broken: readonly string[]
}

async function stateOf({ organisation, url }: GatewayAddress): Promise<GatewayState> {
  const readiness = await readReadiness(url)
  if (readiness === undefined) return { organisation, url, state: 'not ready', broken: ['no answer'] }
  const { ready, degraded, broken } = readiness
  if (!ready) return { organisation, url, state: 'not ready', broken }
  return { organisation, url, state: degraded ? 'degraded' : 'ready', broken }
}

/** Ready is only what is ready in all its parts; a stopped part leaves gateways that can do some of their work. */
function overall(gateways: readonly GatewayState[], parts: readonly PartStatus[]): State {
  if (gateways.some(({ state }) => state === 'not ready')) return 'not ready'
  const isWhole = gateways.every(({ state }) => state === 'ready') && parts.every(({ running }) => running)
  return isWhole ? 'ready' : 'degraded'
}

/** `medledger status`: whether everything works (exit code 5 if not), which parts run, and where to ask. */
export async function status({ data, json }: CommonOptions, output: Output): Promise<void> {
  const { instance } = await requireInstance(data)
  if (instance.network === 'docker') {
    const { networkStatus } = await import('./network.ts')
    await networkStatus({ data, ...(json && { json }) }, output)
    return
  }
  const [gateways, parts] = await Promise.all([
    Promise.all(instance.gateways.map(stateOf)),
    ask(instance.control, 'GET', '/status'),
  ])
  const addresses = addressesOf(instance.topology)
  const state = overall(gateways, parts)
  if (json) writeJson(output, { ready: state === 'ready', state, gateways, parts, addresses })
  else output.out(renderStatus(state, { gateways, parts, addresses }))
  if (state !== 'ready') throw new Failure(exitCodes.unavailable, 'Something does not work or is stopped.')
}

interface Shown {
  readonly gateways: readonly GatewayState[]
  readonly parts: readonly PartStatus[]
  readonly addresses: readonly Addresses[]
}

const renderStatus = (state: State, { gateways, parts, addresses }: Shown): string =>
  [
    `${state}\n`,
    table(
      ['gateway', 'address', ''],
      gateways.map(({ organisation, url, state, broken }) => [
        organisation,
        url,
        broken.length === 0 ? state : `${state}: ${broken.join(', ')}`,
      ]),
    ),
    table(
      ['part', ''],
      parts.map(({ part, running }) => [part, running ? 'running' : 'stopped']),
    ),
    table(
      ['organisation', 'identity provider', 'metrics', 'interface'],
      addresses.map(({ organisation, provider, metrics, documentation }) => [
        organisation,
        provider,
        metrics ?? 'inside only',
        documentation,
      ]),
    ),
  ].join('\n')

/** `medledger stop`: the whole instance, returning when its process has ended; or one part of it. */
export async function stop(
  part: string | undefined,
  { data, json }: CommonOptions,
  output: Output,
): Promise<void> {
  const { instance } = await requireInstance(data)
  if (instance.network === 'docker') await stopContainers(part, data)
  else if (part === undefined) {
    await ask(instance.control, 'POST', '/stop')
    const deadline = performance.now() + stopTimeoutMs
    while (isAlive(instance.pid)) {
      if (performance.now() > deadline)
        throw new Failure(exitCodes.unavailable, 'The instance is still stopping.')
      await pause(pollMs)
    }
  } else await changePart(instance.control, part, 'stop')
  if (json) writeJson(output, { stopped: part ?? 'instance' })
  else output.out(`${part ?? 'The instance'} stopped.\n`)
}

/** `medledger start <part>`: a part that was stopped. */
export async function startPart(part: string, { data, json }: CommonOptions, output: Output): Promise<void> {
  const { instance } = await requireInstance(data)
  if (instance.network === 'docker') await changeContainers(data, part, 'start')
  else await changePart(instance.control, part, 'start')
  if (json) writeJson(output, { started: part })
  else output.out(`${part} started.\n`)
}

async function stopContainers(part: string | undefined, data: string): Promise<void> {
  if (part !== undefined) await changeContainers(data, part, 'stop')
  else await (await openDockerNetwork(data)).compose.run(['stop'])
}

/** Of several orderers `orderer` means all. */
async function changeContainers(data: string, part: string, action: 'stop' | 'start'): Promise<void> {
  requirePartName(part)
  const { compose, topology } = await openDockerNetwork(data)
  const services = part === 'orderer' ? topology.orderers.map((name) => `orderer-${name}`) : [part]
  const known = await readServices()
  if (!services.every((service) => known.has(service)))
    throw new Failure(exitCodes.badInput, `The network has no part ${part}.`)
  await compose.run([action, ...services])
}

function requirePartName(part: string): void {
  if (/^[a-z][a-z0-9-]{0,40}$/.test(part)) return
  throw new Failure(
    exitCodes.badInput,
    `${part} is no part: a part is orderer, or peer-, chaincode-, gateway- or provider- and an organisation. ` +
      'Options go through npm only after --, as in npm start -- --port 7800.',
  )
}

async function changePart(control: string, part: string, action: 'stop' | 'start'): Promise<void> {
  requirePartName(part)
  await ask(control, 'POST', `/parts/${part}/${action}`)
}

/** `medledger people`: for whom the development providers give tokens. */
export async function people({ data, json }: CommonOptions, output: Output): Promise<void> {
  const session = await openSession(data)
  if (json) {
    writeJson(
      output,
      session.people.map(({ user, role, organisation, handle }) => ({ user, role, organisation, handle })),
    )
    return
  }
  const rows = session.people.map(({ user, role, organisation, handle }) => [
    user,
    role,
    organisation,
    handle,
  ])
  output.out(table(['user', 'role', 'organisation', 'handle'], rows))
}

interface TokenOptions extends CommonOptions {
  readonly user: string
  readonly at?: string
}

/** `medledger token`: a development token, which anybody who holds it can use for five minutes. */
export async function token({ data, json, user, at }: TokenOptions, output: Output): Promise<void> {
  const session = await openSession(data)
  const signed = await session.token(session.person(user), at)
  if (json) writeJson(output, { token: signed })
  else output.out(`${signed}\n`)
}
