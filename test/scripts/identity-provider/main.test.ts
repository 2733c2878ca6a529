import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { repository } from '../../support/command-line.ts'

const start = (environment: Readonly<Record<string, string>>): { status: number | null; stderr: string } => {
  const { PATH = '' } = process.env
  const { status, stderr } = spawnSync(process.execPath, ['scripts/identity-provider/main.ts'], {
    cwd: repository,
    env: { PATH, ...environment },
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, stderr }
}

describe('a development provider', () => {
  test.each([
    ['where nobody said that this is development', {}],
    ['where somebody said that it is not', { MEDLEDGER_DEVELOPMENT: 'false' }],
    ['in production, whatever else is said', { MEDLEDGER_DEVELOPMENT: 'true', NODE_ENV: 'production' }],
  ])('refuses to start %s', (_what, environment) => {
    const { status, stderr } = start(environment)
    expect(status).toBe(1)
    expect(stderr).toContain('signs anybody in as anybody')
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('names the variable that it lacks', () => {
    const { status, stderr } = start({ MEDLEDGER_DEVELOPMENT: 'true' })
    expect(status).toBe(1)
    expect(stderr).toBe('The identity provider cannot start: MEDLEDGER_CONSTITUTION_FILE is not set\n')
  })
})
