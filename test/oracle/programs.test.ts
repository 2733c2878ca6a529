import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findPrograms } from './programs.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'medledger-programs-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const putPeer = (...lines: readonly string[]): void =>
  writeFileSync(join(folder, 'peer'), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o700 })

test('a folder’s peer is run with its own environment, and programs that are not there are none', async () => {
  putPeer('echo "peer:"; echo " Version: 2.5.99"; echo "$1 $FABRIC_CFG_PATH"')
  const programs = await findPrograms(folder)
  expect(programs.version).toBe('2.5.99')
  const setting = { directory: folder, environment: { FABRIC_CFG_PATH: '/settings' } }
  expect(programs.command('configtxlator', [], setting)).toBeUndefined()
  const { file = '', args, env } = programs.command('peer', ['node'], setting) ?? {}
  expect(execFileSync(file, args, { env, encoding: 'utf8' })).toContain('node /settings')
})

test('a folder without a peer, and a peer without a version, are refused with what to do', async () => {
  await expect(findPrograms(folder)).rejects.toThrow(/does not exist: name the folder/)
  putPeer('echo something else')
  await expect(findPrograms(folder)).rejects.toThrow(/does not say its version: name the folder/)
})
