import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askControl, serveControl, type ControlHandler } from '../../../scripts/start/control.ts'
import { createNetworkParts } from '../../../scripts/start/network-parts.ts'
import { createPartControl, type PartControl } from '../../../scripts/start/part-control.ts'
import type { Child } from '../../../scripts/start/child.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medledger-control-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the control socket', () => {
  const calls: string[] = []
  const handler: ControlHandler = {
    stopAll: () => void calls.push('stop all'),
    stopPart: async (part) => {
      if (part === 'peer-none') throw new RangeError('There is no part peer-none.')
      calls.push(`stop ${part}`)
    },
    startPart: async () => {
      throw new Error('it cannot be opened')
    },
    status: () => [{ part: 'orderer', running: true }],
  }

  test('takes commands, and answers with one line when it cannot', async () => {
    const server = await serveControl(join(folder, 'control.sock'), handler)
    expect(await askControl(server.path, 'GET', '/status')).toEqual({
      status: 200,
      body: { parts: [{ part: 'orderer', running: true }] },
    })
    expect((await askControl(server.path, 'POST', '/parts/orderer/stop')).status).toBe(200)
    expect((await askControl(server.path, 'POST', '/stop')).status).toBe(202)
    expect(calls).toEqual(['stop orderer', 'stop all'])
    expect(await askControl(server.path, 'POST', '/parts/peer-none/stop')).toMatchObject({ status: 404 })
    expect(await askControl(server.path, 'POST', '/parts/orderer/start')).toEqual({
      status: 500,
      body: { message: 'it cannot be opened' },
    })
    expect((await askControl(server.path, 'POST', '/parts/orderer/paint')).status).toBe(404)
    expect((await askControl(server.path, 'GET', '/stop')).status).toBe(404)
    await server.close()
  })

  test('replaces one that a killed instance left behind', async () => {
    const path = join(folder, 'control.sock')
    await writeFile(path, '')
    const server = await serveControl(path, handler)
    expect((await askControl(path, 'GET', '/status')).status).toBe(200)
    await server.close()
    expect(existsSync(path)).toBe(false)
  })

  test('lies elsewhere when the path would be too long for a socket', async () => {
    const server = await serveControl(join(folder, 'x'.repeat(120), 'control.sock'), handler)
    expect((await askControl(server.path, 'GET', '/status')).status).toBe(200)
    await server.close()
    expect(existsSync(server.path)).toBe(false)
  })
})

describe('the parts inside the network process', () => {
  test('are changed one at a time, and a refusal is an error', async () => {
    const sent: object[] = []
    const parts = createNetworkParts((message) => void sent.push(message))
    const first = parts.change('stop', 'orderer')
    const second = parts.change('start', 'peer-north')
    await Promise.resolve()
    await Promise.resolve()
    expect(sent).toEqual([{ type: 'stop', part: 'orderer' }])
    parts.receive({ type: 'listening' })
    parts.receive({ type: 'done', part: 'orderer' })
    await first
    await expect.poll(() => sent.length).toBe(2)
    parts.receive({ type: 'failed', part: 'peer-north', message: 'the port is taken' })
    await expect(second).rejects.toThrow('peer-north: the port is taken')
  })

  test('do not keep anybody waiting when the process is gone', async () => {
    const parts = createNetworkParts(() => undefined)
    const change = parts.change('stop', 'orderer')
    await Promise.resolve()
    await Promise.resolve()
    parts.lost()
    await expect(change).rejects.toThrow(/has ended/)
  })
})

describe('stopping and starting parts', () => {
  function control(): { parts: PartControl; changes: string[] } {
    const changes: string[] = []
    let state: Child['state'] = 'running'
    const child: Child = {
      name: 'gateway-north',
      get state() {
        return state
      },
      pid: 1,
      start: () => void (state = 'running'),
      stop: async () => void (state = 'stopped'),
      send: () => undefined,
    }
    const parts = createPartControl({
      children: [child],
      network: { state: 'running' },
      inNetwork: ['orderer', 'peer-north'],
      networkParts: { change: async (type, part) => void changes.push(`${type} ${part}`) },
      answers: async (part) => void changes.push(`${part} answers`),
      log: () => undefined,
    })
    return { parts, changes }
  }
  const running = (parts: PartControl): string[] =>
    parts
      .status()
      .filter((part) => part.running)
      .map(({ part }) => part)

  test('shows in the status', async () => {
    const { parts, changes } = control()
    expect(running(parts)).toEqual(['orderer', 'peer-north', 'gateway-north'])
    await parts.stopPart('orderer')
    await parts.stopPart('gateway-north')
    expect(running(parts)).toEqual(['peer-north'])
    await parts.startPart('orderer')
    await parts.startPart('gateway-north')
    expect(running(parts)).toEqual(['orderer', 'peer-north', 'gateway-north'])
    expect(changes).toEqual(['stop orderer', 'start orderer', 'gateway-north answers'])
  })

  test('keeps stopped what was stopped on purpose when the network comes back from a crash', async () => {
    const { parts, changes } = control()
    await parts.stopPart('peer-north')
    parts.keepStopped()
    expect(changes).toEqual(['stop peer-north', 'stop peer-north'])
  })

  test('knows which parts there are', async () => {
    const { parts } = control()
    await expect(parts.stopPart('peer-west')).rejects.toThrow(/there are: orderer, peer-north, gateway-north/)
  })
})
