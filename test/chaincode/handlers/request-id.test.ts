import { describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { accessTo, consentOf, grant, readEntry } from '../../support/ledger-samples.ts'
import { demoWorld, gatewayOf, people } from '../../support/ledger-world.ts'

const patient = people.maria.handle
const notFound = { code: 'NOT_FOUND' }

describe('a request id', () => {
  const duplicate = { code: 'DUPLICATE_REQUEST' }
  const identity = (): { request: string; salt: string } => ({ request: randomId(), salt: randomId() })
  const unknown = accessTo([`north-${randomId()}`])
  const cancelOf = (cancels: string) => ({ custodian: 'north', book: 'access', cancels }) as const

  test('is used once, by its organisation', async () => {
    const world = await demoWorld()
    const same = identity()
    const doctor = await world.as('dr.chen')
    await world.submit('RequestAccess', unknown, doctor, same)
    await expect(world.submit('RequestAccess', unknown, doctor, same)).rejects.toMatchObject(duplicate)
    const other = world.submit('RequestAccess', unknown, doctor, { ...identity(), request: same.request })
    await expect(other).rejects.toMatchObject(duplicate)
  })

  test('that two proposals race for goes to the first', async () => {
    const world = await demoWorld()
    const same = identity()
    const doctor = await world.as('dr.chen')
    const first = await world.endorse('RequestAccess', unknown, doctor, same)
    const second = await world.endorse('RequestAccess', unknown, doctor, same)
    expect([first.commit(), second.commit()]).toEqual([true, false])
  })

  test('that was cancelled is used up', async () => {
    const world = await demoWorld()
    const same = identity()
    const doctor = await world.as('dr.chen')
    const racing = await world.endorse('RequestAccess', unknown, doctor, same)
    const cancelled = await world.submit('CancelRequest', cancelOf(same.request), gatewayOf('south'))
    expect(racing.commit()).toBe(false)
    await expect(world.submit('RequestAccess', unknown, doctor, same)).rejects.toMatchObject(duplicate)
    expect(await readEntry(world, cancelled, 'south')).toMatchObject({ kind: 'cancel', of: same.request })
    await expect(readEntry(world, same.request, 'south')).rejects.toMatchObject(notFound)
  })

  test('that was committed cannot be cancelled', async () => {
    const world = await demoWorld()
    const same = identity()
    const racing = await world.endorse('CancelRequest', cancelOf(same.request), gatewayOf('south'))
    await world.submit('RequestAccess', unknown, await world.as('dr.chen'), same)
    expect(racing.commit()).toBe(false)
    const late = world.submit('CancelRequest', cancelOf(same.request), gatewayOf('south'))
    await expect(late).rejects.toMatchObject(duplicate)
    expect(await readEntry(world, same.request, 'south')).toMatchObject({ kind: 'access' })
  })

  test('cannot be used up by another organisation, which could so hold back a revocation', async () => {
    const world = await demoWorld()
    const consent = await grant(world, 'maria', consentOf())
    const same = identity()
    const fields = { custodian: 'north', patient, consent }
    const revocation = await world.endorse('RevokeConsent', fields, await world.as('maria'), same)
    const cancels = { custodian: 'north', book: 'consent', cancels: same.request } as const
    await world.submit('CancelRequest', cancels, gatewayOf('north'))
    await world.submit(
      'GrantConsent',
      { ...fields, patient: people.tomas.handle, directive: consentOf() },
      await world.as('tomas', { through: 'south' }),
      same,
    )
    expect(revocation.commit()).toBe(true)
  })
})
