import { afterEach, describe, expect, test, vi } from 'vitest'
import { exitCodeOf } from '../../../scripts/cli/exit-codes.ts'
import { narrativeLines } from '../../../scripts/cli/fhir.ts'
import { plain, table } from '../../../scripts/cli/output.ts'
import { runCommand } from './fake-instance.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the command line', () => {
  test('explains itself, exit codes included', async () => {
    const { code, stdout, stderr } = await runCommand('--help')
    expect([code, stderr]).toEqual([0, ''])
    for (const word of ['start', 'import', 'revoke', '7 outcome unknown']) expect(stdout).toContain(word)
  })

  test.each([
    [['nonsense']],
    [['read']],
    [['people', '--wrong']],
    [['start', '--port', '99999']],
    [['token']],
  ])('refuses %j as bad usage', async (words) => {
    const { code, stdout, stderr } = await runCommand(...words)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).not.toBe('')
  })

  test.each([
    ['reset', 'true', '--reset'],
    ['demo', '', '--no-demo'],
  ])('does not start without the option that npm has kept to itself: %s', async (name, value, option) => {
    vi.stubEnv('npm_lifecycle_event', 'start')
    vi.stubEnv(`npm_config_${name}`, value)
    const { code, stderr } = await runCommand('start', '--data', 'does-not-exist')
    expect([code, stderr]).toEqual([
      2,
      `medledger: npm has kept ${option} to itself; options go after --, as in npm start -- --port 7800.\n`,
    ])
  })

  test.each([
    [['status']],
    [['people']],
    [['stop']],
    [['start', 'orderer']],
    [['read', `north-${'0'.repeat(32)}`, '--as', 'dr.chen']],
  ])('says how to start an instance when none runs: %j', async (words) => {
    const { code, stdout, stderr } = await runCommand(...words, '--data', 'does-not-exist', '--json')
    expect([code, stdout]).toEqual([5, ''])
    expect(stderr).toMatch(
      /^medledger: No instance runs on [^\n]* start one with npm start -- --data \/[^\n]*does-not-exist\.\n$/,
    )
  })
})

test.each([
  [202, 'OUTCOME_UNKNOWN', 7],
  [500, 'VERIFICATION_FAILED', 6],
  [404, 'ROUTE_NOT_FOUND', 1],
  [429, undefined, 5],
  [418, undefined, 1],
  [200, undefined, 0],
])('an answer %i with %s is exit %i', (status, code, expected) => {
  expect(exitCodeOf(status, code)).toBe(expected)
})

test('a table’s columns are as wide as their widest cell, and its cells are one line each', () => {
  expect(
    table(
      ['a', 'b'],
      [
        ['long', 'x'],
        ['1', 'two\nlines'],
      ],
    ),
  ).toBe('a     b\nlong  x\n1     two lines\n')
})

test('nothing that steers a terminal gets through', () => {
  expect(plain('a\u001B[31mb\r\nc\u202Ed')).toBe('a [31mb c d')
})

test('a narrative becomes its lines', () => {
  expect(
    narrativeLines('<div xmlns="x"><p>One &amp; two</p><ul><li>a<b>b</b></li><li> </li></ul></div>'),
  ).toEqual(['One & two', 'a b'])
})
