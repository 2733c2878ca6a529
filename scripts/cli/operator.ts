import { resolve } from 'node:path'
import { MedledgerError } from 'medledger-chaincode/api'
import { openOperator, type Operator } from '../start/operator.ts'
import { pathsIn, type Paths } from '../start/paths.ts'
import { exitCodeOf, exitCodes, Failure } from './exit-codes.ts'
import type { CommonOptions } from './options.ts'

/** Options of a command that an organisation's operator gives. */
export interface OperatorOptions extends CommonOptions {
  readonly org: string
}

const statusOf: Readonly<Record<string, number>> = {
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  INVALID_REQUEST: 400,
  LEDGER_UNAVAILABLE: 503,
  OUTCOME_UNKNOWN: 202,
}

function toFailure(error: unknown): never {
  if (error instanceof MedledgerError)
    throw new Failure(exitCodeOf(statusOf[error.code] ?? 500, error.code), `${error.message} (${error.code})`)
  if (error instanceof RangeError) throw new Failure(exitCodes.badInput, error.message, { cause: error })
  throw error
}

/** Does something at the ledger with the certificate of an organisation's operator. Errors: a {@link Failure}. */
export async function withOperator<Value>(
  { data, org }: OperatorOptions,
  work: (operator: Operator, paths: Paths) => Promise<Value>,
): Promise<Value> {
  const paths = pathsIn(resolve(data))
  const operator = await openOperator(paths, org).catch((error: unknown) => {
    throw new Failure(exitCodes.badInput, (error as Error).message, { cause: error })
  })
  try {
    return await work(operator, paths)
  } catch (error) {
    return toFailure(error)
  } finally {
    operator.transport.close()
  }
}
