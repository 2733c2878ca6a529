import type { Adapter } from 'oidc-provider'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMemory, memoryLimit } from '../../../scripts/identity-provider/memory.ts'

let time: number
let memory: (model: string) => Adapter

beforeEach(() => {
  time = 0
  memory = createMemory(() => time)
})

const flood = async (model: string, count: number): Promise<void> => {
  const adapter = memory(model)
  for (let index = 0; index < count; index += 1) await adapter.upsert(`flood ${index}`, {}, 600)
}

describe('what a development provider remembers', () => {
  test('is the same for all who ask for a kind, until its time is over', async () => {
    await memory('Session').upsert('one', { uid: 'u' }, 60)
    expect(await memory('Session').find('one')).toEqual({ uid: 'u' })
    expect(await memory('Session').findByUid('u')).toEqual({ uid: 'u' })
    expect(await memory('Grant').find('one')).toBeUndefined()
    time = 60_000
    expect(await memory('Session').find('one')).toBeUndefined()
    expect(await memory('Session').findByUid('u')).toBeUndefined()
  })

  test('of one kind is bounded, and pushes nothing of another kind out', async () => {
    await memory('AuthorizationCode').upsert('code', { grantId: 'g' }, 60)
    await memory('Interaction').upsert('first', {}, 600)
    await memory('Interaction').upsert('second', {}, 600)
    await flood('Interaction', memoryLimit - 1)
    expect(await memory('Interaction').find('first')).toBeUndefined()
    expect(await memory('Interaction').find('second')).toEqual({})
    expect(await memory('AuthorizationCode').find('code')).toEqual({ grantId: 'g' })
  })

  test('is written anew without pushing anything out', async () => {
    await memory('Session').upsert('first', {}, 600)
    await flood('Session', memoryLimit - 1)
    await memory('Session').upsert('flood 0', { uid: 'u' }, 600)
    expect(await memory('Session').find('first')).toEqual({})
    expect(await memory('Session').find('flood 0')).toEqual({ uid: 'u' })
  })

  test('ends with its grant', async () => {
    await memory('AuthorizationCode').upsert('code', { grantId: 'g' }, 60)
    await memory('AuthorizationCode').upsert('other', { grantId: 'h' }, 60)
    await memory('AuthorizationCode').revokeByGrantId('g')
    expect(await memory('AuthorizationCode').find('code')).toBeUndefined()
    expect(await memory('AuthorizationCode').find('other')).toEqual({ grantId: 'h' })
  })

  test('can be used once', async () => {
    await memory('AuthorizationCode').upsert('code', {}, 60)
    await memory('AuthorizationCode').consume('code')
    await expect(memory('AuthorizationCode').consume('code')).rejects.toThrow('invalid_grant')
  })
})
