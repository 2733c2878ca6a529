import { setTimeout as pause } from 'node:timers/promises'
import { isAlive } from '../../start/alive.ts'
import { askControl, type PartStatus } from '../../start/control.ts'
import { isReady } from '../../start/wait.ts'
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

/** `medledger status`: whether every gateway can serve (exit code 5 if not), where they are, and which parts run. */
export async function status({ data, json }: CommonOptions, output: Output): Promise<void> {
  const { instance } = await requireInstance(data)
  const { gateways } = instance
  const answers = await Promise.all(
    gateways.map(async (gateway) => ({ ...gateway, ready: await isReady(gateway.url) })),
  )
  const ready = answers.every((gateway) => gateway.ready)
  if (json) writeJson(output, { ready, gateways: answers })
  else {
    output.out(ready ? 'ready\n' : 'not ready\n')
    output.out(
      table(
        ['gateway', 'address', ''],
        answers.map((gateway) => [gateway.organisation, gateway.url, gateway.ready ? 'ready' : 'not ready']),
      ),
    )
    const parts = await ask(instance.control, 'GET', '/status')
    output.out(
      table(
        ['part', ''],
        parts.map(({ part, running }) => [part, running ? 'running' : 'stopped']),
      ),
    )
  }
  if (!ready) throw new Failure(exitCodes.unavailable, 'Not every gateway is ready.')
}

/** `medledger stop`: the whole instance, returning when its process has ended; or one part of it. */
export async function stop(
  part: string | undefined,
  { data, json }: CommonOptions,
  output: Output,
): Promise<void> {
  const { instance } = await requireInstance(data)
  if (part === undefined) {
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
  await changePart(instance.control, part, 'start')
  if (json) writeJson(output, { started: part })
  else output.out(`${part} started.\n`)
}

async function changePart(control: string, part: string, action: 'stop' | 'start'): Promise<void> {
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(part))
    throw new Failure(
      exitCodes.badInput,
      'A part is orderer, peer-, chaincode-, gateway- or provider- and an organisation.',
    )
  await ask(control, 'POST', `/parts/${part}/${action}`)
}

/** `medledger people`: for whom the development providers give tokens. */
export async function people({ data, json }: CommonOptions, output: Output): Promise<void> {
  const session = await openSession(data)
  if (json) {
    writeJson(
      output,
      session.people.map(({ user, role, organisation }) => ({ user, role, organisation })),
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
