import { CommanderError } from 'commander'
import { BadInput } from '../import/bad-input.ts'
import { exitCodes, Failure, type ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'
import { createProgram } from './program.ts'

/** Runs one command line and says how it went. Errors become one line on standard error. */
export async function run(words: readonly string[], output: Output): Promise<ExitCode> {
  try {
    await createProgram(output).parseAsync(words, { from: 'user' })
    return exitCodes.done
  } catch (error) {
    // Commander has said already what is wrong with the words; --help is no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.badInput
    output.err(`medledger: ${error instanceof Error ? error.message : String(error)}\n`)
    if (error instanceof Failure) return error.exitCode
    return error instanceof BadInput ? exitCodes.badInput : exitCodes.error
  }
}
