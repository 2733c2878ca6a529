import {
  complete,
  collectionsOf,
  seal,
  type EvaluateName,
  type FieldsOf,
  type Organisation,
} from 'medledger-chaincode/api'
import type {
  FullTransaction,
  LedgerTransport,
  PrivateWrite,
  PublicWrite,
} from '../../gateway/src/ledger/port.ts'
import { answerLists, prepareProjection, type AnswerSource } from '../../gateway/src/projection/index.ts'
import { projectBlock } from '../../gateway/src/projection/tables.ts'
import type { Projection } from '../../gateway/src/store/index.ts'
import { hashOf } from './full-blocks.ts'
import { memoryLedger } from './gateway-ledger.ts'
import { publicState } from './ledger-stub.ts'
import type { Submitter, World } from './ledger-world.ts'

/** What was answered: bytes as text, or code and message of the refusal. */
export type Answered = string

/** A world whose commits are also one organisation's projection. */
export interface ProjectedWorld {
  /** Projects what has been committed since the last time, as one block. Keys of `lacking` come without their values. */
  sync(lacking?: (collection: string, key: string) => boolean): Promise<void>
  /** What the chaincode answers on a peer, and what the projection does. */
  both<N extends EvaluateName>(
    name: N,
    fields: FieldsOf<N>,
    submitter: Submitter,
  ): Promise<[Answered, Answered]>
  /** Who answered what the projection was asked. */
  readonly sources: AnswerSource[]
  /** How long the projection was waited for, each time. */
  readonly waits: readonly number[]
  /** What can be told to be otherwise than it is. */
  readonly told: {
    connected: boolean
    reaches: boolean
    blocks: number | undefined
    asked: readonly string[] | undefined
  }
}

export async function projectedWorld(
  world: World,
  database: Projection,
  organisation: Organisation,
): Promise<ProjectedWorld> {
  await prepareProjection(database, true)
  const { constitution } = world
  const known = new Map<string, number>()
  const everyone = constitution.organisations.map(({ name }) => name)
  const members = new Set(
    collectionsOf(constitution)
      .filter(({ members }) => members.includes(organisation.name))
      .map(({ name }) => name),
  )
  let blocks = 0

  const changed = (collection: string): { key: string; value: Uint8Array }[] =>
    [...(world.state.get(collection) ?? [])].flatMap(([key, { value, version }]) => {
      const name = JSON.stringify([collection, key])
      if (known.get(name) === version) return []
      known.set(name, version)
      return [{ key, value }]
    })
  const transport = memoryLedger(world).transportOf(organisation.name)
  const sources: AnswerSource[] = []
  const waits: number[] = []
  const told: ProjectedWorld['told'] = {
    connected: true,
    reaches: true,
    blocks: undefined,
    asked: undefined,
  }
  const answer = answerLists({
    database,
    projection: {
      state: () => ({ blocks, fault: undefined }),
      reaches: async (_block, withinMs) => {
        waits.push(withinMs)
        return told.reaches
      },
    },
    transport: {
      height: () => ({ blocks: told.blocks ?? blocks, connected: told.connected }),
      evaluate: (...query) => transport.evaluate(...query),
    },
    constitution,
    organisation,
    members,
    now: () => world.now,
    log: { event: (event) => world.logged.push(event) },
    answered: (source) => sources.push(source),
  })
  const outcomeOf = async (attempt: Promise<Uint8Array>): Promise<Answered> => {
    try {
      return Buffer.from(await attempt).toString('utf8')
    } catch (error) {
      const { code, message } = error as { readonly code?: string; readonly message: string }
      return `${code}: ${message}`
    }
  }
  return {
    sources,
    waits,
    told,
    async sync(lacking = () => false) {
      const publicWrites: PublicWrite[] = changed(publicState).map(({ key, value }) => ({
        key: Buffer.from(key),
        value,
      }))
      const privateWrites = [...members].flatMap((collection) =>
        changed(collection).map(({ key, value }): PrivateWrite => {
          const hashes = { collection, keyHash: hashOf(key), valueHash: hashOf(value) }
          return lacking(collection, key) ? hashes : { ...hashes, held: { key: Buffer.from(key), value } }
        }),
      )
      const transaction: FullTransaction = {
        transactionId: String(blocks),
        block: blocks,
        position: 0,
        valid: true,
        code: 'VALID',
        publicWrites,
        privateWrites,
      }
      const block = { number: blocks, previousHash: '', hash: String(blocks), transactions: [transaction] }
      await projectBlock(database, block, members)
      blocks += 1
    },
    async both(name, fields, { token }) {
      const sealed = seal(name, complete(fields), token)
      const evaluate = (by: LedgerTransport['evaluate']): Promise<Answered> =>
        outcomeOf(by(sealed, told.asked ?? everyone))
      return [await evaluate((...query) => transport.evaluate(...query)), await evaluate(answer)]
    },
  }
}
