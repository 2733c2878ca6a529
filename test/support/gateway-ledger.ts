import { createHash } from 'node:crypto'
import { MedledgerError, randomId, readMessage, type TransactionName } from 'medledger-chaincode/api'
import { transact } from '../../chaincode/src/transact.ts'
import type { BlockWatcher, DeliveredBlock, LedgerTransport, Sealed } from '../../gateway/src/ledger/port.ts'
import { commit, simulate, type Simulation } from './ledger-stub.ts'
import type { World } from './ledger-world.ts'

/** A call on its way to the ledger, as a fault schedule sees it. */
export interface LedgerCall {
  readonly mode: 'submit' | 'evaluate'
  readonly name: TransactionName
  /** Of a request that concerns a placement. */
  readonly custodian: string | undefined
  /** Whose gateway calls. */
  readonly through: string
  /** Of a query: whose peers were allowed to answer, and the block they had to hold. */
  readonly organisations?: readonly string[]
  readonly minimumBlock?: number | undefined
}

/** An error, or no answer ever, as for a process that has been killed. */
export type Fault = Error | 'hangs' | undefined

/** A ledger in memory that runs the real chaincode; every commit is a block of its own. */
export interface MemoryLedger {
  readonly world: World
  readonly blocks: readonly DeliveredBlock[]
  /** Every call so far. */
  readonly calls: readonly LedgerCall[]
  /** What a call fails with instead of being made; undefined lets it pass. */
  fault: (call: LedgerCall) => Fault
  /** Called after a commit and before its answer: an error here is an answer that got lost. */
  afterCommit: (call: LedgerCall, transactionId: string) => Fault
  connected: boolean
  transportOf(organisation: string): LedgerTransport
}

const tries = 5

export function memoryLedger(world: World): MemoryLedger {
  const blocks: DeliveredBlock[] = []
  const calls: LedgerCall[] = []
  const followers = new Set<(block: DeliveredBlock) => Promise<void>>()
  const watchers = new Set<BlockWatcher>()

  const run = async (sealed: Sealed, through: string): Promise<[string, string, Simulation]> => {
    const transactionId = createHash('sha256').update(randomId()).digest('hex')
    const simulation = simulate(world.state, { transactionId, at: world.now, transient: sealed.transient })
    const mspId = world.constitution.organisations.find(({ name }) => name === through)?.mspId ?? ''
    const client = { getMSPID: () => mspId, getAttributeValue: () => 'gateway' }
    const log = (line: string): void => void world.logged.push(line)
    const configuration = { constitution: world.constitution, now: () => world.now, log }
    const text = await transact(
      sealed.name as TransactionName,
      sealed.commitment,
      { stub: simulation.stub, client },
      configuration,
    ).catch((error: unknown) => {
      throw (error instanceof Error && readMessage(error.message)) || error
    })
    return [transactionId, text, simulation]
  }

  const suffer = async (fault: Fault): Promise<void> => {
    if (fault === 'hangs') await new Promise(() => {})
    if (fault !== undefined) throw fault
  }
  const begin = async (call: LedgerCall): Promise<void> => {
    calls.push(call)
    await suffer(ledger.fault(call))
  }

  const ledger: MemoryLedger = {
    world,
    blocks,
    calls,
    fault: () => undefined,
    afterCommit: () => undefined,
    connected: true,
    transportOf: (through) => ({
      async submit(sealed) {
        const call = callOf('submit', sealed, through)
        await begin(call)
        for (let attempt = 0; attempt < tries; attempt += 1) {
          const [transactionId, text, simulation] = await run(sealed, through)
          if (!commit(world.state, simulation)) continue
          const number = blocks.length
          const event = simulation.event()
          const transaction = {
            transactionId,
            block: number,
            position: 0,
            valid: true,
            code: 'VALID',
            ...(event !== undefined && { event }),
          }
          const block = { number, transactions: [transaction] }
          blocks.push(block)
          for (const watcher of watchers) watcher.block(block)
          await Promise.all([...followers].map((deliver) => deliver(block)))
          await suffer(ledger.afterCommit(call, transactionId))
          return { transactionId, block: number, payload: Buffer.from(text) }
        }
        throw new MedledgerError('CHANGED_MEANWHILE', 'What it read kept changing.')
      },
      async evaluate(sealed, organisations, minimumBlock) {
        await begin({ ...callOf('evaluate', sealed, through), organisations, minimumBlock })
        const [, text] = await run(sealed, through)
        return Buffer.from(text)
      },
      height: () => ({ blocks: blocks.length, connected: ledger.connected }),
      reachesOrderer: async () => true,
      async waitForBlock(block) {
        if (block >= blocks.length) throw new MedledgerError('LEDGER_UNAVAILABLE', 'The own peer is behind.')
      },
      async follow(fromBlock, onBlock) {
        for (const block of blocks.slice(fromBlock)) await onBlock(block)
        followers.add(onBlock)
        return () => void followers.delete(onBlock)
      },
      // Its blocks have no content.
      followFull: async () => () => {},
      readFull: async (block) => {
        throw new MedledgerError('LEDGER_UNAVAILABLE', `The own peer does not send block ${block}.`)
      },
      watch(watcher) {
        watchers.add(watcher)
        return () => void watchers.delete(watcher)
      },
      close: () => {},
    }),
  }
  return ledger
}

function callOf(mode: LedgerCall['mode'], { name, transient }: Sealed, through: string): LedgerCall {
  const request = JSON.parse(Buffer.from(transient['request'] ?? []).toString('utf8')) as {
    custodian?: string
  }
  return { mode, name: name as TransactionName, custodian: request.custodian, through }
}

/** A fault schedule under which these calls find no ledger. */
export const outageOf =
  (pick: (call: LedgerCall) => boolean) =>
  (call: LedgerCall): Error | undefined =>
    pick(call) ? new MedledgerError('LEDGER_UNAVAILABLE', 'No peer answers.') : undefined
