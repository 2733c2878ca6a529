import { expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { depositAt, depositOf, testNetwork } from '../support/gateway-network.ts'

test('every answer, whatever it says, may not be kept, run, framed or embedded', async () => {
  const network = await testNetwork()
  const [document = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
  const answers = [
    await network.send('maria', { url: `/fhir/Bundle/${document}`, through: 'north' }),
    await network.send('dr.chen', { url: `/fhir/Bundle/${document}` }),
    await network.send('dr.chen', { url: `/fhir/Bundle/north-${randomId()}` }),
    await network.send(undefined, { url: '/fhir/Consent?patient=x' }),
    await network.send(undefined, { url: '/nowhere' }),
    await network.send(undefined, { url: '/fhir/Bundle/%ff' }),
    await network.send(undefined, { url: '/healthz' }),
    await network.send(undefined, { url: '/openapi.json' }),
  ]
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 403, 403, 401, 404, 400, 200, 200])
  for (const { headers } of answers) {
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(headers).not.toHaveProperty('x-powered-by')
  }
  const [, restricted, unknown] = answers.map(({ headers }) => Object.keys(headers).toSorted())
  expect(restricted).toEqual(unknown)
})
