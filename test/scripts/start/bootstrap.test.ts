import { MedledgerError, randomId, type LedgerErrorCode } from 'medledger-chaincode/api'
import { describe, expect, test } from 'vitest'
import { inventPeople } from '../../../scripts/development/index.ts'
import { newKey, type ProviderKeys } from '../../../scripts/identity-provider/index.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'
import { bootstrapPlanOf, type BootstrapStep } from '../../../scripts/start/bootstrap-steps.ts'
import { takeStep, type StepOptions } from '../../../scripts/start/take-step.ts'

const topology = demoTopology()
const { constitution } = topology
const issuers = constitution.issuers.map(({ issuer, organisation }): ProviderKeys => {
  const { key, kid } = newKey(organisation)
  const { d: _gone, ...publicPart } = key
  return {
    issuer,
    organisation,
    keys: [
      { key, kid, signsFrom: '2026-05-06T07:08:09Z' },
      { ...newKey(organisation), signsFrom: '2026-05-07T07:08:09Z' },
      // Neither a revoked key nor one of an unfinished rotation is the start's to add.
      { key: publicPart, kid: `${organisation}-revoked`, signsFrom: '2026-05-06T07:08:09Z' },
      newKey(organisation),
    ],
  }
})
const people = inventPeople(constitution, randomId)
const plan = bootstrapPlanOf(topology, issuers, people)

describe('the plan', () => {
  test('opens the registry before anything is written to it', () => {
    expect(plan.first.map(({ key }) => key)).toEqual(['OpenPlacement registry'])
    expect(plan.rest.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['OpenPlacement north', 'OpenPlacement south']),
    )
  })

  test('has every key that signs or signed and every person, each by her own organisation and each once', () => {
    const keys = plan.rest.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    expect(plan.rest.filter(({ name }) => name === 'AddIssuerKey')).toHaveLength(2 * issuers.length)
    const registered = plan.rest.filter(({ name }) => name.startsWith('Register'))
    expect(registered.map(({ by }) => by)).toEqual(people.map(({ organisation }) => organisation))
  })

  test('keeps private keys to itself', () => {
    expect(JSON.stringify(plan)).not.toContain('"d"')
  })

  test('leaves imported patients to the import', () => {
    const imported = {
      ...people[0],
      user: 'x',
      role: 'patient',
      organisation: 'authority',
      source: 'f'.repeat(64),
    }
    const withImported = bootstrapPlanOf(topology, issuers, [...people, imported as (typeof people)[number]])
    expect(withImported.rest).toHaveLength(plan.rest.length)
  })

  test('has other keys for a person who changed, so that she is registered again', () => {
    const renamed = people.map((person) => ({ ...person, name: `${person.name} II` }))
    const before = new Set(plan.rest.map(({ key }) => key))
    const changed = bootstrapPlanOf(topology, issuers, renamed).rest.filter(({ key }) => !before.has(key))
    expect(changed.map(({ name }) => name)).toEqual(
      Array.from({ length: changed.length }, () => 'RegisterPerson'),
    )
    expect(changed).toHaveLength(people.filter(({ role }) => role !== 'patient').length)
  })
})

describe('a step', () => {
  const [open] = plan.first as [BootstrapStep]

  /** A ledger that answers with these errors, one after the other, and then commits. */
  function ledger(answers: readonly (LedgerErrorCode | 'fault')[]): {
    options: StepOptions
    commitments: string[]
  } {
    const commitments: string[] = []
    const queue = [...answers]
    const submit: StepOptions['transport']['submit'] = async ({ commitment }) => {
      commitments.push(commitment)
      const next = queue.shift()
      if (next === 'fault') throw new TypeError('a fault')
      if (next !== undefined) throw new MedledgerError(next, 'no')
      return { transactionId: '', block: 1, payload: new Uint8Array() }
    }
    let time = 0
    const wait = async (ms: number): Promise<void> => {
      time += ms
    }
    return {
      commitments,
      options: { constitution, transport: { submit }, deadline: 10_000, now: () => time, wait },
    }
  }

  test('is repeated as the very same request until it is committed', async () => {
    const { options, commitments } = ledger(['LEDGER_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'NOT_READY'])
    await takeStep(open, options)
    expect(commitments).toHaveLength(4)
    expect(new Set(commitments).size).toBe(1)
  })

  test.each(['CONFLICT', 'DUPLICATE_REQUEST'] as const)('is done when the ledger says %s', async (code) => {
    const { options, commitments } = ledger([code])
    await takeStep(open, options)
    expect(commitments).toHaveLength(1)
  })

  test.each(['FORBIDDEN', 'INVALID_REQUEST', 'fault'] as const)('fails at once with %s', async (code) => {
    const { options, commitments } = ledger([code])
    await expect(takeStep(open, options)).rejects.toThrow()
    expect(commitments).toHaveLength(1)
  })

  test('is given up at the deadline', async () => {
    const { options } = ledger(Array.from({ length: 1000 }, () => 'LEDGER_UNAVAILABLE' as const))
    await expect(takeStep(open, options)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  })

  test('of every kind can be sealed', async () => {
    const { options } = ledger([])
    for (const step of plan.rest) await takeStep(step, options)
  })
})
