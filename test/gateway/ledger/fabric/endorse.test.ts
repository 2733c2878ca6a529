import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { endorse } from '../../../../gateway/src/ledger/fabric/endorse.ts'
import type { Answer } from '../../../../gateway/src/ledger/fabric/round.ts'

const yes: Answer<string> = { kind: 'endorsed', payload: Buffer.from('a'), response: 'a' }
const preferred = ['north', 'south', 'authority']

describe('asking for endorsements', () => {
  test('a peer that hangs is hedged by another', async () => {
    const asked: string[] = []
    const hanging = Promise.withResolvers<Answer<string>>()
    const verdict = await endorse<string>(
      { required: ['north'], among: preferred, count: 2 },
      {
        preferred,
        hedgeMs: 20,
        ask: (organisation) => {
          asked.push(organisation)
          return organisation === 'south' ? hanging.promise : Promise.resolve(yes)
        },
      },
    )
    expect(verdict).toMatchObject({ kind: 'endorsed', organisations: ['north', 'authority'] })
    expect(asked).toEqual(['north', 'south', 'authority'])
    hanging.resolve(yes)
  })

  test('a required peer that hangs is waited for until it fails', async () => {
    const verdict = await endorse<string>(
      { required: ['north'], among: preferred, count: 2 },
      {
        preferred,
        hedgeMs: 5,
        ask: async (organisation) => {
          if (organisation !== 'north') return yes
          await sleep(40)
          return { kind: 'failed', away: true, reason: 'it took too long' }
        },
      },
    )
    expect(verdict).toMatchObject({ kind: 'unavailable', error: { code: 'LEDGER_UNAVAILABLE' } })
  })
})
