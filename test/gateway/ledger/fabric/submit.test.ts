import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { mostProposals, submit } from '../../../../gateway/src/ledger/fabric/submit.ts'
import {
  anyTwo,
  custodian,
  endorsed,
  endorsing,
  names,
  refusing,
  sealed,
  transactionIdOf,
  world,
} from './submit-world.ts'

describe('submitting', () => {
  test('gives the id, the block and the result that was signed', async () => {
    const { options, ordered } = world()
    const { transactionId, block, payload } = await submit(sealed, anyTwo, options)
    const [envelope] = ordered
    expect(block).toBe(1)
    expect(envelope && transactionIdOf(envelope)).toBe(transactionId)
    expect(Buffer.from(payload).toString()).toBe('result')
  })

  test('orders as many endorsements as the policy needs, and no private data', async () => {
    const { options, ordered } = world({ peers: { north: () => refusing('CLOCK_SKEW') } })
    await submit(sealed, anyTwo, options)
    const [envelope] = ordered
    expect(envelope && endorsed(envelope).endorsements).toHaveLength(2)
    expect(Buffer.from(envelope?.payload ?? []).includes('a private request')).toBe(false)
    expect(Buffer.from(envelope?.payload ?? []).includes('commitment')).toBe(true)
  })

  test('a refusal orders nothing', async () => {
    const { options, ordered } = world({ peers: { north: () => refusing('FORBIDDEN') } })
    await expect(submit(sealed, custodian, options)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(ordered).toEqual([])
  })

  test.each(['away', 'hangs', new Error('14 UNAVAILABLE')] as const)(
    'a required peer that is %s makes the ledger unavailable, by name, and orders nothing',
    async (behaviour) => {
      const { options, ordered } = world({ peers: { north: () => behaviour } })
      await expect(submit(sealed, custodian, options)).rejects.toMatchObject({
        code: 'LEDGER_UNAVAILABLE',
        message: expect.stringContaining('north') as string,
      })
      expect(ordered).toEqual([])
    },
  )

  test.each(['away', 'hangs'] as const)('any other peer that is %s does not matter', async (behaviour) => {
    const { options } = world({ peers: { south: () => behaviour } })
    expect((await submit(sealed, custodian, options)).block).toBe(1)
    expect((await submit(sealed, anyTwo, options)).block).toBe(2)
  })

  test('results that differ for a moment are proposed anew', async () => {
    const { options, ordered } = world({
      peers: { north: (call) => endorsing('north', call < 3 ? 'earlier' : 'result') },
    })
    expect(Buffer.from((await submit(sealed, custodian, options)).payload).toString()).toBe('result')
    expect(ordered).toHaveLength(1)
  })

  test('results that go on differing are never ordered', async () => {
    const { options, ordered } = world({
      peers: Object.fromEntries(names.map((name) => [name, () => endorsing(name, randomUUID())])),
    })
    await expect(submit(sealed, anyTwo, options)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(ordered).toEqual([])
  })

  test('what changed meanwhile is proposed anew under another id', async () => {
    const { options, ordered } = world({
      codes: (count) => ['MVCC_READ_CONFLICT', 'PHANTOM_READ_CONFLICT'][count - 1] ?? 'VALID',
    })
    expect((await submit(sealed, anyTwo, options)).block).toBe(3)
    expect(new Set(ordered.map(transactionIdOf)).size).toBe(3)
  })

  test('what keeps changing is given up after five proposals', async () => {
    const { options, ordered } = world({ codes: () => 'MVCC_READ_CONFLICT' })
    await expect(submit(sealed, anyTwo, options)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' })
    expect(ordered).toHaveLength(mostProposals)
  })

  test('no proposal is begun that could not be finished in the time for all of them', async () => {
    const { options, ordered } = world({ codes: () => 'MVCC_READ_CONFLICT' })
    const hurried = { ...options, submitTimeoutMs: options.endorseTimeoutMs + options.commitTimeoutMs }
    await expect(submit(sealed, anyTwo, hurried)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' })
    expect(ordered).toHaveLength(1)
  })

  test('what goes on being invalid is given up after five proposals, with its code', async () => {
    const { options, ordered } = world({ codes: () => 'ENDORSEMENT_POLICY_FAILURE' })
    await expect(submit(sealed, anyTwo, options)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      message: expect.stringContaining('ENDORSEMENT_POLICY_FAILURE') as string,
    })
    expect(ordered).toHaveLength(mostProposals)
  })

  test('an orderer that is away makes the ledger unavailable', async () => {
    const { options } = world({ orderer: 'away' })
    await expect(submit(sealed, anyTwo, options)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  })

  test('without a block in time the outcome is unknown, and the error has the id', async () => {
    const { options, ordered } = world({ codes: () => undefined })
    const failure: unknown = await submit(sealed, anyTwo, options).catch((error: unknown) => error)
    const [envelope] = ordered
    expect(failure).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      transactionId: envelope && transactionIdOf(envelope),
    })
  })

  test('a connection that breaks while ordering leaves it unknown, unless a block shows it', async () => {
    const lost = world({ orderer: 'breaks', codes: () => undefined })
    await expect(submit(sealed, anyTwo, lost.options)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    const found = world({ orderer: 'breaks' })
    expect((await submit(sealed, anyTwo, found.options)).block).toBe(1)
  })

  test('while the own peer is away, others tell', async () => {
    const { options, tail } = world({
      codes: () => undefined,
      lookUp: () => Promise.resolve({ block: 12, valid: true, code: 'VALID' }),
    })
    tail.connection(false)
    expect((await submit(sealed, anyTwo, options)).block).toBe(12)
  })

  test('tells its steps in their order, with outcomes', async () => {
    const { options, steps } = world({ codes: (count) => (count === 1 ? 'MVCC_READ_CONFLICT' : 'VALID') })
    await submit(sealed, custodian, options)
    const told = steps.filter(({ step }) => step !== 'propose' && step !== 'endorsement')
    const once = ['endorse endorsed', 'order.send ', 'order accepted']
    expect(told.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      ...once,
      'commit MVCC_READ_CONFLICT',
      ...once,
      'commit VALID',
    ])
    const first = steps.slice(0, steps.indexOf(told[0] as (typeof told)[0]))
    expect(first.map(({ step }) => step).toSorted()).toEqual([
      'endorsement',
      'endorsement',
      'propose',
      'propose',
    ])
    expect(steps.every(({ name, milliseconds }) => name === sealed.name && milliseconds >= 0)).toBe(true)
  })

  test.each([
    [{ peers: { north: () => refusing('FORBIDDEN') } }, ['endorse FORBIDDEN']],
    [{ orderer: 'away' }, ['endorse endorsed', 'order.send ', 'order refused']],
    [{ codes: () => undefined }, ['endorse endorsed', 'order.send ', 'order accepted', 'commit unknown']],
  ] as const)('tells steps that fail: %#', async (behaviour, expected) => {
    const { options, steps } = world(behaviour)
    await expect(submit(sealed, custodian, options)).rejects.toThrow()
    const told = steps.filter(({ step }) => step !== 'propose' && step !== 'endorsement')
    expect(told.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual(expected)
  })

  test('neither errors nor log lines hold what was asked', async () => {
    const { options, lines } = world({ peers: { north: () => refusing('FORBIDDEN'), south: () => 'away' } })
    const failure: unknown = await submit(sealed, anyTwo, options).catch((error: unknown) => error)
    const text = JSON.stringify([lines, (failure as Error).message])
    expect(lines).not.toEqual([])
    for (const secret of ['commitment', 'private']) expect(text).not.toContain(secret)
  })
})
