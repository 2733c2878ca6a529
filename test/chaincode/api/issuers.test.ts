import { describe, expect, test } from 'vitest'
import { developmentFault, isLoopbackHost } from '../../../chaincode/src/api/index.ts'
import { demoConstitution } from '../../support/ledger-world.ts'

const withIssuer = (issuer: string): typeof demoConstitution => ({
  ...demoConstitution,
  issuers: [{ issuer, organisation: 'north', roles: ['doctor'] }],
})

describe('an identity provider', () => {
  test.each([
    'http://127.0.0.1:7722',
    'https://127.0.0.1:7722',
    'https://127.1.2.3',
    'https://localhost/realms/x',
    'https://a.localhost',
    'https://[::1]:8443',
    'http://login.north.example',
    'urn:medledger:issuer',
    'north',
  ])('at %s is for development only', (issuer) => {
    expect(developmentFault(withIssuer(issuer), false)).toContain(issuer)
    expect(developmentFault(withIssuer(issuer), true)).toBeUndefined()
  })

  test.each(['https://login.north.example/realms/north', 'https://127.0.0.1.example'])(
    'at %s is not',
    (issuer) => {
      expect(developmentFault(withIssuer(issuer), false)).toBeUndefined()
    },
  )

  test('of the demonstration is for development only', () => {
    expect(developmentFault(demoConstitution, false)).toMatch(/http:.*MEDLEDGER_DEVELOPMENT=true/)
  })
})

test.each(['localhost', '127.0.0.1', '127.255.0.1', '[::1]', 'x.localhost'])('%s is this machine', (host) => {
  expect(isLoopbackHost(host)).toBe(true)
})

test.each(['localhost.example', '128.0.0.1', '127.0.0', '[::2]', ''])('%j is another machine', (host) => {
  expect(isLoopbackHost(host)).toBe(false)
})
