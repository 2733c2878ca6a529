import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { lockDirectory } from '../../../../scripts/network/embedded/lock.ts'
import { poll } from '../../../support/poll.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-lock-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const directory = (): string => mkdtempSync(join(root, 'lock-'))

describe('the lock of a directory', () => {
  test('is held once, and can be taken again when it is released', () => {
    const path = directory()
    const lock = lockDirectory(path)
    expect(() => lockDirectory(path)).toThrow(`${path} is in use by process ${process.pid}`)
    lock.release()
    expect(existsSync(join(path, 'lock'))).toBe(false)
    lockDirectory(path).release()
    expect(readdirSync(path)).toEqual([])
  })

  test('of a process that died is taken over', () => {
    const path = directory()
    const { pid } = spawnSync(process.execPath, ['--version'])
    writeFileSync(join(path, 'lock'), `${pid} 12345\n`)
    lockDirectory(path).release()
    expect(readdirSync(path)).toEqual([])
  })

  test.runIf(existsSync('/proc/self/stat'))(
    'of a process that has ended, whose parent has not noticed yet, is taken over',
    async () => {
      const path = directory()
      // The shell's child ends when the shell has become what never asks after it.
      const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      try {
        const pid = String((await once(parent.stdout, 'data'))[0]).trim()
        const fields = await poll('its end', () => {
          const found = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
          return found[0] === 'Z' ? found : undefined
        })
        writeFileSync(join(path, 'lock'), `${pid} ${fields[19]}\n`)
        lockDirectory(path).release()
      } finally {
        parent.kill()
      }
    },
  )

  test('is taken over from another process that has been given the same pid', () => {
    const path = directory()
    writeFileSync(join(path, 'lock'), `${process.ppid} 1\n`)
    lockDirectory(path).release()
  })
})
