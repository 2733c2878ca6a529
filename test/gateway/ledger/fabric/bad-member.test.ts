import * as fc from 'fast-check'
import type { Endorsers } from 'medledger-chaincode/api'
import { verify, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { identityIn } from '../../../../gateway/src/ledger/fabric/wire.ts'
import { submit } from '../../../../gateway/src/ledger/fabric/submit.ts'
import {
  anyTwo,
  custodian,
  endorsed,
  endorsing,
  forging,
  names,
  refusing,
  sealed,
  transactionIdOf,
  world,
  type World,
} from './submit-world.ts'

/** A consent collection of South, seen from North. */
const consent: Endorsers = { ...anyTwo, last: 'south' }

/** Who saw each transaction that was ordered. */
const seers = ({ ordered, seenBy }: World): readonly string[][] =>
  ordered.map((envelope) => seenBy(transactionIdOf(envelope)).toSorted())

describe('a bad member', () => {
  test('that refuses alone cannot make a request seem answered', async () => {
    const two: Endorsers = { required: [], among: ['north', 'south'], count: 2 }
    const { options, ordered } = world({ peers: { south: () => refusing('NOT_FOUND') } })
    await expect(submit(sealed, two, options)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(ordered).toEqual([])
  })

  test('whose signature is not its own is passed over', async () => {
    const all = world({ peers: { south: () => forging('south') } })
    expect((await submit(sealed, anyTwo, all.options)).block).toBe(1)
    expect(seers(all)).toEqual([['authority', 'north', 'south']])
    expect(all.lines).toContainEqual(expect.objectContaining({ event: 'endorse.failed', peer: 'peer.south' }))
  })

  test('that is required and signs badly makes the ledger unavailable, by name', async () => {
    const { options, ordered } = world({ peers: { north: () => forging('north') } })
    await expect(submit(sealed, custodian, options)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      message: expect.stringContaining('north') as string,
    })
    expect(ordered).toEqual([])
  })

  test.each(['ENDORSEMENT_POLICY_FAILURE', 'BAD_RWSET', 'INVALID_ENDORSER_TRANSACTION'])(
    'whose endorsement makes it %s is not asked for the next',
    async (code) => {
      const network = world({ codes: (_count, seenBy) => (seenBy.includes('south') ? code : 'VALID') })
      expect((await submit(sealed, anyTwo, network.options)).block).toBe(2)
      expect(seers(network)).toEqual([
        ['north', 'south'],
        ['authority', 'north'],
      ])
    },
  )

  test('that uses up the id of whatever it sees delays a request, and cannot stop it', async () => {
    for (const thief of ['south', 'authority'] as const) {
      for (const answer of [refusing('NOT_FOUND'), forging(thief), endorsing(thief), 'hangs'] as const) {
        const network = world({
          peers: { [thief]: () => answer },
          codes: (_count, seenBy) => (seenBy.includes(thief) ? 'DUPLICATE_TXID' : 'VALID'),
        })
        await submit(sealed, consent, network.options)
        expect(network.ordered.length).toBeLessThanOrEqual(3)
      }
    }
  })

  test('cannot hide a valid transaction behind an envelope of its own in the same block', async () => {
    const bogus = ['BAD_PROPOSAL_TXID', 'INVALID_ENDORSER_TRANSACTION', 'BAD_CREATOR_SIGNATURE']
    const { options, ordered } = world({ codes: () => [...bogus, 'VALID', 'DUPLICATE_TXID'] })
    expect((await submit(sealed, anyTwo, options)).block).toBe(1)
    expect(ordered).toHaveLength(1)
  })

  test('never gets anything into an envelope but its own endorsement of what all the others endorse', async () => {
    const behaviour = fc.constantFrom(
      (name: string) => endorsing(name),
      (name: string) => endorsing(name),
      (name: string) => endorsing(name, 'another result'),
      (name: string) => forging(name),
      () => endorsing('north'),
      () => refusing('NOT_FOUND'),
      () => 'away' as const,
    )
    const game = fc.tuple(behaviour, behaviour, behaviour, fc.constantFrom(anyTwo, custodian, consent))
    await fc.assert(
      fc.asyncProperty(game, async ([north, south, authority, endorsers]) => {
        const peers = {
          north: () => north('north'),
          south: () => south('south'),
          authority: () => authority('authority'),
        }
        const { options, ordered } = world({ peers })
        await submit(sealed, endorsers, { ...options, endorseTimeoutMs: 40 }).catch(() => {})
        for (const envelope of ordered) {
          const { content, endorsements } = endorsed(envelope)
          const signers = endorsements.map(({ endorser }) => identityIn(endorser).mspId)
          expect(new Set(signers).size).toBe(2)
          expect(signers).toEqual(expect.arrayContaining([...endorsers.required]))
          for (const { endorser, signature } of endorsements) {
            const { publicKey } = new X509Certificate(identityIn(endorser).certificate)
            expect(verify('sha256', Buffer.concat([content, endorser]), publicKey, signature)).toBe(true)
          }
        }
      }),
    )
  })

  test('that is to be asked last sees nothing while others suffice', async () => {
    const network = world()
    await submit(sealed, consent, network.options)
    expect(seers(network)).toEqual([['authority', 'north']])
  })

  test('that is to be asked last is asked before one that is away, from the second time on', async () => {
    const network = world({ peers: { authority: () => 'away' } })
    await submit(sealed, consent, network.options)
    await submit(sealed, consent, network.options)
    expect(seers(network)).toEqual([
      ['north', 'south'],
      ['north', 'south'],
    ])
  })
})

describe('a proposal after one whose id was used up', () => {
  const again = (first: string): World =>
    world({
      codes: () => first,
      peers: Object.fromEntries(
        names.map((name) => [
          name,
          (call: number) => (call > 1 ? refusing('DUPLICATE_REQUEST') : endorsing(name)),
        ]),
      ),
    })

  test('that is a duplicate leaves the outcome unknown, under the first id', async () => {
    const { options, ordered } = again('DUPLICATE_TXID')
    const failure: unknown = await submit(sealed, custodian, options).catch((error: unknown) => error)
    const [envelope] = ordered
    const transactionId = envelope && transactionIdOf(envelope)
    expect(failure).toMatchObject({ code: 'OUTCOME_UNKNOWN', transactionId })
  })

  test('is told apart from one after a conflict, whose duplicate is somebody else’s', async () => {
    const { options } = again('MVCC_READ_CONFLICT')
    await expect(submit(sealed, custodian, options)).rejects.toMatchObject({ code: 'DUPLICATE_REQUEST' })
  })
})
