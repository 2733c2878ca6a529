import { beforeEach, describe, expect, test } from 'vitest'
import { canonical, type EvaluateName } from 'medledger-chaincode/api'
import type { LedgerTransport } from '../../../gateway/src/ledger/index.ts'
import { replayAll, report } from '../../../scripts/cli/commands/replay.ts'
import type { Operator } from '../../../scripts/start/operator.ts'
import { narrowTopology } from '../../../scripts/network/topology.ts'
import { memoryLedger } from '../../support/gateway-ledger.ts'
import { access, accessTo, registerDocuments } from '../../support/ledger-samples.ts'
import { demoWorld, operatorOf, type World } from '../../support/ledger-world.ts'

let world: World
let asked: (readonly string[])[]
let written: { out: string; err: string }
const output = {
  out: (text: string) => void (written.out += text),
  err: (text: string) => void (written.err += text),
  isTerminal: false,
}

beforeEach(async () => {
  world = await demoWorld(narrowTopology().constitution)
  asked = []
  written = { out: '', err: '' }
})

/** The ledger as the operator of an organisation reaches it. */
function operatorAt(organisation: string): Operator {
  const evaluate: LedgerTransport['evaluate'] = async ({ name, transient }, organisations) => {
    asked.push(organisations)
    const text = Buffer.from(transient['request'] ?? []).toString()
    const { request: _id, salt: _salt, ...fields } = JSON.parse(text) as Record<string, unknown>
    const answer = await world.evaluate(name as EvaluateName, fields, operatorOf(organisation))
    return Buffer.from(canonical(answer))
  }
  const { constitution } = world
  return { constitution, transport: { ...memoryLedger(world).transportOf(organisation), evaluate } }
}

const replayAt = (org: string, custodian?: readonly string[]) =>
  replayAll(operatorAt(org), { data: '', org, ...(custodian && { custodian }) }, output)

describe('replay', () => {
  test('asks for every page of every placement that the organisation holds, of its own peer alone', async () => {
    const [north = ''] = await registerDocuments(world, 'north', 'maria')
    const [south = ''] = await registerDocuments(world, 'south', 'maria')
    for (let count = 0; count < 101; count += 1)
      await world.submit('RequestAccess', accessTo([north]), await world.as('dr.okafor'))
    await access(world, 'dr.chen', [south], { custodian: 'south' })
    expect(await replayAt('north')).toEqual({ checked: 102, differences: [], unreplayable: [] })
    expect(asked).toEqual([['north'], ['north'], ['north']])
    expect(written.err).toBe('100 accesses so far, at north\n')
    expect((await replayAt('south')).checked).toBe(1)
    expect((await replayAt('authority', ['north', 'north'])).checked).toBe(101)
  })

  test('of a placement that the organisation does not hold, or that there is not, is bad input', async () => {
    await expect(replayAt('south', ['north'])).rejects.toMatchObject({ exitCode: 2 })
    await expect(replayAt('south', ['west'])).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
  })
})

const entry = { custodian: 'north', entry: 'a'.repeat(32), through: 'south' }
const difference = { ...entry, what: 'outcome', document: null, was: 'deny', is: 'permit' } as const

describe('what a replay found', () => {
  test('is printed, and is a success without differences', () => {
    const unreplayable = [{ ...entry, because: 'constitution' } as const]
    report({ checked: 7, differences: [], unreplayable }, {}, output)
    expect(written.out).toBe(
      '7 accesses decided again, 0 differences, 1 that cannot be decided again\n' +
        'custodian  through  entry                             for want of\n' +
        `north      south    ${entry.entry}  constitution\n`,
    )
  })

  test('ends with exit 6 when there is a difference', () => {
    const found = { checked: 7, differences: [difference], unreplayable: [] }
    expect(() => report(found, { json: true }, output)).toThrow(expect.objectContaining({ exitCode: 6 }))
    expect(JSON.parse(written.out)).toEqual(found)
    expect(() => report(found, {}, output)).toThrow('One thing comes out differently.')
    expect(written.out).toMatch(/^north +south +a{32} +outcome +deny +permit$/m)
  })
})
