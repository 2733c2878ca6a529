import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { validateBlock } from '../../../../../scripts/network/embedded/ledger/validate.ts'
import { codeName } from '../../../../../scripts/network/embedded/ledger/validation-code.ts'
import { checkTransaction } from '../../../../../scripts/network/embedded/ledger/verify-signatures.ts'
import { temporaryDirectory } from '../support.ts'
import { forge } from './forge.ts'
import { report, type Row } from './report.ts'
import { families, honest, northAgain, privateSets } from './transactions.ts'
import { createWorld, type World } from './world.ts'

const directory = temporaryDirectory()
const rows: Row[] = []
let world: World

beforeAll(async () => {
  world = await createWorld(directory.path)
})
afterAll(() => {
  world.close()
  directory.remove()
  report(rows)
})

test('what is attacked would be valid, at every peer', async () => {
  expect(await world.commit([forge(honest(world)).envelope])).toEqual(['VALID'])
})

test('one certificate is one endorser, however it is written', () => {
  const endorsers = [world.of('north', 'peer'), northAgain(world)]
  const { envelope } = forge(honest(world, { endorsers }))
  expect(checkTransaction(envelope, world.configuration().membership).endorsers).toMatchObject([
    { mspId: 'NorthMSP' },
  ])
})

for (const [family, attacks] of Object.entries(families))
  describe(`a transaction in a block: ${family}`, () => {
    test.each(attacks.map((attack) => [attack.name, attack] as const))(
      '%s is marked and never applied',
      async (name, attack) => {
        const { envelope, transactionId } = attack.make(world)
        if (attack.isReplay === true) expect(await world.commit([envelope])).toEqual(['VALID'])
        // The private values are at hand: only the code keeps them out.
        for (const { transient, blocks } of world.ledgers)
          if (transactionId !== '') transient.add(transactionId, blocks.height, privateSets('access-north'))
        const before = world.contents()
        const codes = await world.commit([envelope])
        const applied = world.contents().join() === before.join() ? 0 : 1
        rows.push({ layer: 'transaction', attack: name, tries: 3, applied, verdict: codes.join() })
        expect(codes).toEqual([attack.code])
        expect(applied).toBe(0)
      },
    )
  })

describe('a mutation of a valid transaction', () => {
  const effect = ({ header, action }: ReturnType<typeof checkTransaction>): unknown => [
    header?.transactionId,
    action?.endorsed.toString('base64'),
    action?.namespaces,
  ]
  const codeOf = (envelope: Buffer): string => {
    const context = {
      block: world.north.blocks.height,
      channel: world.channel.name,
      definitionOf: world.north.definitionOf,
      state: world.north.state,
      hasTransaction: () => false,
      configuration: () => world.configuration(),
    }
    const [code] = validateBlock([checkTransaction(envelope, world.configuration().membership)], context)
    return code === undefined ? '' : codeName(code)
  }
  const mutation = fc.oneof(
    fc.record({ at: fc.nat(), bit: fc.nat(7) }),
    fc.record({ at: fc.nat(), insert: fc.uint8Array({ minLength: 1, maxLength: 4 }) }),
    fc.record({ at: fc.nat(), remove: fc.integer({ min: 1, max: 40 }) }),
  )

  test('of any bit or piece is invalid, or has the very same effect', () => {
    const { envelope } = forge(honest(world))
    const wanted = effect(checkTransaction(envelope, world.configuration().membership))
    expect(codeOf(envelope)).toBe('VALID')
    let tries = 0
    let same = 0
    fc.assert(
      fc.property(mutation, (change) => {
        const at = change.at % envelope.length
        const changed = Buffer.from(envelope)
        if ('bit' in change) changed.writeUInt8(changed.readUInt8(at) ^ (1 << change.bit), at)
        const pieces =
          'insert' in change
            ? [envelope.subarray(0, at), change.insert, envelope.subarray(at)]
            : 'remove' in change
              ? [envelope.subarray(0, at), envelope.subarray(at + change.remove)]
              : [changed]
        const mutated = Buffer.concat(pieces)
        tries += 1
        if (codeOf(mutated) !== 'VALID') return
        same += 1
        expect(effect(checkTransaction(mutated, world.configuration().membership))).toEqual(wanted)
      }),
      { numRuns: 1000 },
    )
    const verdict = `invalid, or the same effect (${same})`
    rows.push({ layer: 'transaction', attack: 'any bit or piece changed', tries, applied: 0, verdict })
  })
})
