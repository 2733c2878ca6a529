import { readFileSync } from 'node:fs'
import { check, Constitution, developmentFault, developmentVariable } from './api/index.ts'
import type { Configuration } from './transact.ts'

/**
 * Reads the chaincode's configuration: `MEDLEDGER_CONSTITUTION_FILE` names the file with the constitution as JSON;
 * `MEDLEDGER_DEVELOPMENT=true` lets it have identity providers for development.
 * Errors: a message that names the variable and what is wrong with the file.
 */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const file = environment['MEDLEDGER_CONSTITUTION_FILE']
  if (file === undefined)
    throw new Error('MEDLEDGER_CONSTITUTION_FILE is not set: it names the constitution.')
  const constitution = check(Constitution, JSON.parse(readFileSync(file, 'utf8')), 'constitution')
  const fault = developmentFault(constitution, environment[developmentVariable] === 'true')
  if (fault !== undefined) throw new Error(`The chaincode cannot start: ${fault}.`)
  return { constitution, now: Date.now, log: (line) => void process.stderr.write(`${line}\n`) }
}
