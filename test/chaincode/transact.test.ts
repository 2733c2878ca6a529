import { describe, expect, test } from 'vitest'
import { collectionsOf, complete, limits, randomId, readMessage, seal } from 'medledger-chaincode/api'
import { transact } from '../../chaincode/src/transact.ts'
import { consentOf } from '../support/ledger-samples.ts'
import { emptyState, simulate, type FakeState, type Simulation } from '../support/ledger-stub.ts'
import { demoConstitution, demoWorld, people, startOfTests } from '../support/ledger-world.ts'

const secret = randomId() + randomId()
const client = { getMSPID: () => 'NorthMSP', getAttributeValue: (): string | null => 'operator' }
const sealed = seal('OpenPlacement', complete<'OpenPlacement'>({ placement: 'north', secret }))

interface Given {
  readonly state?: FakeState
  readonly transient?: Readonly<Record<string, Uint8Array>>
  readonly commitment?: string
  readonly at?: number
  readonly mspId?: string
  readonly spoil?: (simulation: Simulation) => void
}

/** Runs OpenPlacement with one thing changed, and answers with the refusal's text and what was written and logged. */
async function run({ state, transient, commitment, at, mspId, spoil }: Given) {
  const logged: string[] = []
  const simulation = simulate(state ?? emptyState(collectionsOf(demoConstitution).map(({ name }) => name)), {
    transactionId: 'ab'.repeat(32),
    at: at ?? startOfTests,
    transient: transient ?? sealed.transient,
  })
  spoil?.(simulation)
  const configuration = {
    constitution: demoConstitution,
    now: () => startOfTests,
    log: (line: string) => logged.push(line),
  }
  const caller = { ...client, getMSPID: () => mspId ?? 'NorthMSP' }
  const edge = { stub: simulation.stub, client: caller }
  const answer = await transact('OpenPlacement', commitment ?? sealed.commitment, edge, configuration).catch(
    (error: unknown) => error,
  )
  return { answer, text: answer instanceof Error ? answer.message : '', logged, writes: simulation.writes }
}

test('a transaction that is in order is answered with its entry', async () => {
  const { answer, writes, logged } = await run({})
  expect(answer).toMatch(/^\{"entry":"[0-9a-f]{32}"\}$/)
  expect(writes.map(({ key }) => key.split('/')[0])).toEqual(['secret', 'request'])
  expect(logged).toEqual([])
})

describe('a transaction is refused, and writes nothing,', () => {
  test.each([
    ['without a request', { transient: {} }, 'INVALID_REQUEST'],
    ['under another commitment', { commitment: 'ab'.repeat(32) }, 'INVALID_REQUEST'],
    [
      'without a commitment',
      { commitment: undefined as never, transient: { request: new Uint8Array() } },
      'INVALID_REQUEST',
    ],
    ['from the past', { at: startOfTests - limits.clockBehindMs - 1 }, 'CLOCK_SKEW'],
    ['from the future', { at: startOfTests + limits.clockAheadMs + 1 }, 'CLOCK_SKEW'],
    ['from an organisation outside of the constitution', { mspId: 'WestMSP' }, 'FORBIDDEN'],
    [
      'with an operator’s token',
      { transient: { ...sealed.transient, token: Buffer.from('a.b.c') } },
      'FORBIDDEN',
    ],
  ] as readonly [string, Given, string][])('%s', async (_how, given, code) => {
    const { text, writes, logged } = await run(given)
    expect(text.startsWith(`[${code}] `)).toBe(true)
    expect(writes).toEqual([])
    expect(logged).toEqual([])
  })
})

describe('an unexpected fault', () => {
  const failWith = (error: unknown) => ({
    spoil: ({ stub }: Simulation) => {
      stub.getPrivateData = async () => {
        throw error
      }
    },
  })

  test('is INTERNAL, and its own words go nowhere', async () => {
    const { text, logged } = await run(failWith(new TypeError('Maria Lindqvist\n    at Maria Lindqvist')))
    expect(readMessage(text)?.code).toBe('INTERNAL')
    expect(text).not.toContain('Maria')
    expect(logged).toHaveLength(1)
    expect(logged[0]).toContain(`${'ab'.repeat(32)} TypeError`)
    expect(logged[0]).not.toContain('Maria')
  })

  test.each([
    ['a text', 'Maria'],
    ['nothing', undefined],
  ])('may be %s', async (_what, thrown) => {
    const { text, logged } = await run(failWith(thrown))
    expect(readMessage(text)?.code).toBe('INTERNAL')
    expect(logged.join()).not.toContain('Maria')
  })

  test('that is the peer’s own, for data that it lacks, passes as it is', async () => {
    const words = 'GET_STATE failed: private data matching public hash version is not available'
    const { text, logged } = await run(failWith(new Error(words)))
    expect(text).toBe(words)
    expect(logged).toEqual([])
  })
})

test('an expired token is refused by the endorser’s own clock, however far a transaction is dated back', async () => {
  const world = await demoWorld()
  const { token = '' } = await world.as('maria')
  const { commitment, transient } = seal('ReadCaller', complete<'ReadCaller'>({}), token)
  const ask = (at: number, now: number): Promise<string> => {
    const { stub } = simulate(world.state, { transactionId: 'ab'.repeat(32), at, transient })
    const gateway = { getMSPID: () => 'AuthorityMSP', getAttributeValue: () => 'gateway' }
    const { constitution } = world
    const configuration = { constitution, now: () => now, log: () => {} }
    return transact('ReadCaller', commitment, { stub, client: gateway }, configuration)
  }
  const expiry = startOfTests + 300_000
  await expect(ask(expiry - 40_000, expiry + 9999)).resolves.toContain(people.maria.handle)
  await expect(ask(expiry - 40_000, expiry + 10_000)).rejects.toThrow('[INVALID_TOKEN] ')
})

test('no refusal quotes what was sent', async () => {
  const world = await demoWorld()
  const name = 'Maria Lindqvist'
  const directive = consentOf({
    type: name,
    actor: [{ reference: { display: name } }],
    period: { end: name },
  })
  const fields = { custodian: 'north', patient: people.maria.handle, consent: randomId(), directive }
  const granted = world.submit('GrantConsent', fields, await world.as('maria'))
  await expect(granted).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  await expect(granted).rejects.not.toMatchObject({ message: expect.stringContaining(name) as string })
})
