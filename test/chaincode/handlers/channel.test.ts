import { describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { accessTo, consentOf, grant, registrationOf, signingKey } from '../../support/ledger-samples.ts'
import {
  demoWorld,
  emptyWorld,
  gatewayOf,
  issuerNameOf,
  operatorOf,
  people,
  type World,
} from '../../support/ledger-world.ts'

const secret = randomId() + randomId()
const issuer = issuerNameOf('north')
const north = operatorOf('north')

describe('a placement', () => {
  test('is opened by its custodian, and the registry by anyone', async () => {
    const world = await emptyWorld()
    await world.submit('OpenPlacement', { placement: 'north', secret }, north)
    await world.submit('OpenPlacement', { placement: 'registry', secret }, operatorOf('south'))
  })

  test.each([
    ['by another organisation', 'south', 'FORBIDDEN'],
    ['without being in the constitution', 'authority', 'INVALID_REQUEST'],
    ['under a name nobody has', 'west', 'INVALID_REQUEST'],
  ])('is not opened %s', async (_how, placement, code) => {
    const world = await emptyWorld()
    const submitter = placement === 'authority' ? operatorOf('authority') : north
    const opened = world.submit('OpenPlacement', { placement, secret }, submitter)
    await expect(opened).rejects.toMatchObject({ code })
  })

  test.each(['north', 'registry'])('%s is opened once for ever', async (placement) => {
    const world = await demoWorld()
    const opened = world.submit('OpenPlacement', { placement, secret }, north)
    await expect(opened).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('cannot be used before', async () => {
    const world = await demoWorld()
    world.state.get('consent-north')?.clear()
    const notReady = { code: 'NOT_READY' }
    await expect(grant(world, 'maria', consentOf())).rejects.toMatchObject(notReady)
    const asked = world.submit('RequestAccess', accessTo([`north-${randomId()}`]), await world.as('dr.chen'))
    await expect(asked).rejects.toMatchObject(notReady)
    const documents = [registrationOf('north')]
    const fields = { custodian: 'north', patient: people.maria.handle, documents }
    const registered = world.submit('RegisterDocuments', fields, await world.as('records.north'))
    await expect(registered).rejects.toMatchObject(notReady)
  })
})

describe('an issuer’s key', () => {
  const keyFields = { issuer, kid: 'north-2', key: signingKey }
  const readKey = (world: World, kid: string) =>
    world.evaluate('ReadIssuerKey', { issuer, kid }, gatewayOf('south'))

  test('is added by the organisation that runs the issuer, and read by every gateway', async () => {
    const world = await demoWorld()
    await world.submit('AddIssuerKey', keyFields, north)
    expect(await readKey(world, 'north-2')).toEqual({ ...keyFields, revoked: false })
  })

  test.each([
    ['is no point of the curve', { ...signingKey, x: 'A'.repeat(43) }, /curve/],
    ['has an algorithm of another kind', { ...signingKey, alg: 'RS256' }, /not well formed/],
    ['has no algorithm', { ...signingKey, alg: undefined }, /not well formed/],
    ['shows its private half', { ...signingKey, d: 'A'.repeat(43) }, /not well formed/],
    ['is a short RSA key', { kty: 'RSA', n: `${'_'.repeat(171)}w`, e: 'AQAB', alg: 'RS256' }, /2048 to 4096/],
  ])('is not added when it %s', async (_what, key, message) => {
    const world = await demoWorld()
    // The compiler would not let a wrong key through, either.
    const added = world.submit('AddIssuerKey', { ...keyFields, key: key as typeof signingKey }, north)
    await expect(added).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringMatching(message) as string,
    })
    await expect(readKey(world, 'north-2')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('is neither added nor revoked by another organisation', async () => {
    const world = await demoWorld()
    const forbidden = { code: 'FORBIDDEN' }
    const south = operatorOf('south')
    await expect(world.submit('AddIssuerKey', keyFields, south)).rejects.toMatchObject(forbidden)
    const revoked = world.submit('RevokeIssuerKey', { issuer, kid: 'north-1' }, south)
    await expect(revoked).rejects.toMatchObject(forbidden)
  })

  test('is not added to an issuer that the constitution does not know', async () => {
    const world = await demoWorld()
    const added = world.submit('AddIssuerKey', { ...keyFields, issuer: 'urn:x' }, north)
    await expect(added).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('is never replaced, revoked or not', async () => {
    const world = await demoWorld()
    const again = { ...keyFields, kid: 'north-1' }
    const conflict = { code: 'CONFLICT' }
    await expect(world.submit('AddIssuerKey', again, north)).rejects.toMatchObject(conflict)
    await world.submit('RevokeIssuerKey', { issuer, kid: 'north-1' }, north)
    expect(await readKey(world, 'north-1')).toMatchObject({ revoked: true })
    await expect(world.submit('AddIssuerKey', again, north)).rejects.toMatchObject(conflict)
  })

  test('that was never added is neither read nor revoked', async () => {
    const world = await demoWorld()
    const notFound = { code: 'NOT_FOUND' }
    await expect(readKey(world, 'north-9')).rejects.toMatchObject(notFound)
    const revoked = world.submit('RevokeIssuerKey', { issuer, kid: 'north-9' }, north)
    await expect(revoked).rejects.toMatchObject(notFound)
  })
})
