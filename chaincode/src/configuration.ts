import { readFileSync } from 'node:fs'
import { check, Constitution } from './api/index.ts'
import type { Configuration } from './transact.ts'

/**
 * Reads the chaincode's configuration: `MEDLEDGER_CONSTITUTION_FILE` names the file with the constitution as JSON.
 * Errors: a message that names the variable and what is wrong with the file.
 */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const file = environment['MEDLEDGER_CONSTITUTION_FILE']
  if (file === undefined)
    throw new Error('MEDLEDGER_CONSTITUTION_FILE is not set: it names the constitution.')
  const constitution = check(Constitution, JSON.parse(readFileSync(file, 'utf8')), 'constitution')
  return { constitution, now: Date.now, log: (line) => void process.stderr.write(`${line}\n`) }
}
