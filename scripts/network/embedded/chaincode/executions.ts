import type { Simulation } from '../ledger/simulate.ts'
import type { peer } from '../../fabric/message.ts'
import { createRequests, type Requests } from './requests.ts'

/** What a chaincode made of a transaction. */
export interface Execution {
  readonly response: peer.Response
  readonly event: peer.ChaincodeEvent | undefined
}

/** The transactions that a chaincode process is working on, by their ids. */
export interface Executions {
  /** Resolves with what {@link settle} is given. Errors: when the id is in use, or nothing comes in time. */
  begin(transactionId: string, simulation: Simulation): Promise<Execution>
  requestsOf(transactionId: string): Requests | undefined
  settle(transactionId: string, outcome: Execution | Error): void
  settleAll(error: Error): void
}

export function createExecutions(channel: string, timeoutMs: number): Executions {
  const running = new Map<string, { requests: Requests; settle: (outcome: Execution | Error) => void }>()
  return {
    begin: (transactionId, simulation) =>
      new Promise((resolve, reject) => {
        if (running.has(transactionId)) throw new Error(`txid: ${transactionId}(${channel}) exists`)
        const settle = (outcome: Execution | Error): void => {
          clearTimeout(timer)
          running.delete(transactionId)
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome)
        }
        const timer = setTimeout(
          () => settle(new Error('timeout expired while executing transaction')),
          timeoutMs,
        )
        running.set(transactionId, { requests: createRequests(simulation), settle })
      }),
    requestsOf: (transactionId) => running.get(transactionId)?.requests,
    settle: (transactionId, outcome) => running.get(transactionId)?.settle(outcome),
    settleAll(error) {
      for (const { settle } of running.values()) settle(error)
    },
  }
}
