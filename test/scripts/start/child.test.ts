import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isAlive } from '../../../scripts/start/alive.ts'
import { createChild, lastWords, type Child, type ChildOptions } from '../../../scripts/start/child.ts'
import { poll } from '../../support/poll.ts'

let folder: string
let child: Child | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medledger-child-'))
})
afterEach(async () => {
  await child?.stop()
  await rm(folder, { recursive: true, force: true })
})

function run(script: string, options: Partial<ChildOptions> = {}): Child {
  const plan = {
    name: 'part',
    command: ['-e', script],
    directory: folder,
    environment: { PATH: process.env['PATH'] ?? '' },
  }
  child = createChild(plan, { logs: folder, onCrash: () => false, onChange: () => undefined, ...options })
  child.start()
  return child
}

const forever = 'setInterval(() => {}, 1000); process.send("up")'

describe('a child process', () => {
  test('says in one line why it ended', async () => {
    const crash = Promise.withResolvers<string>()
    run(
      'console.log("some work"); console.error("the store is damaged\\n    at somewhere"); process.exit(1)',
      {
        onCrash: (_name, reason) => {
          crash.resolve(reason)
          return false
        },
      },
    )
    expect(await crash.promise).toBe('the store is damaged')
  })

  test('that crashes is started again while that is wanted', async () => {
    const pids = new Set<number>()
    const running = run(forever, { onCrash: () => true })
    for (let count = 1; count <= 3; count += 1) {
      const pid = await poll('a new process', () => (pids.has(running.pid ?? 0) ? undefined : running.pid))
      pids.add(pid)
      process.kill(pid, 'SIGKILL')
    }
    expect(pids.size).toBe(3)
  })

  test('that was stopped stays stopped, and can be started', async () => {
    let crashes = 0
    const running = run(forever, { onCrash: () => (crashes += 1) > 0 })
    const pid = running.pid ?? 0
    await running.stop()
    expect([running.state, isAlive(pid), crashes]).toEqual(['stopped', false, 0])
    running.start()
    expect(running.state).toBe('running')
    expect(running.pid).not.toBe(pid)
  })

  test('writes its log for its owner alone', async () => {
    const up = Promise.withResolvers<unknown>()
    run(`console.log("hello"); ${forever}`, { onMessage: up.resolve })
    await up.promise
    const log = await poll(
      'the log',
      async () => (await readFile(join(folder, 'part.log'), 'utf8')) || undefined,
    )
    expect(log).toBe('hello\n')
  })

  test('on the leash ends when its supervisor is killed', async () => {
    const leash = new URL('../../../scripts/start/leash.ts', import.meta.url).href
    const script = `
      const { spawn } = require('node:child_process')
      const inner = spawn(process.execPath, ['--import', ${JSON.stringify(leash)}, '-e', 'setInterval(() => {}, 1000); process.send(1)'],
        { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      inner.on('message', () => console.log(inner.pid))`
    const supervisor = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pid = await new Promise<number>((resolve) => {
      supervisor.stdout.on('data', (data: Buffer) => resolve(Number(data.toString())))
    })
    expect(isAlive(pid)).toBe(true)
    supervisor.kill('SIGKILL')
    await poll('the end of the process', () => (isAlive(pid) ? undefined : true))
  })
})

test.each([
  ['one\ntwo\n', 'two'],
  ['Error: broken\n    at f (x.js)\n\nNode.js v24.0.0\n', 'Error: broken'],
  ['', undefined],
])('the last words of %j are %j', (text, expected) => {
  expect(lastWords(text)).toBe(expected)
})
