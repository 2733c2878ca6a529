import { expect, test } from 'vitest'
import { access, consentOf, grant, registerDocuments, revoke } from '../../support/ledger-samples.ts'
import { demoWorld } from '../../support/ledger-world.ts'

test('refused, granted, read, revoked, refused', async () => {
  const world = await demoWorld()
  const documents = await registerDocuments(world, 'north', 'maria')
  expect(await access(world, 'dr.chen', documents)).toMatchObject({ outcome: 'deny' })
  const consent = await grant(world, 'maria', consentOf())
  expect(await access(world, 'dr.chen', documents)).toMatchObject({ outcome: 'permit' })
  await revoke(world, 'maria', consent)
  expect(await access(world, 'dr.chen', documents)).toMatchObject({ outcome: 'deny' })
})
