import { checkConfig, type ConfigReport } from 'medledger-gateway/config'
import { exitCodes, Failure } from '../exit-codes.ts'
import { table, writeJson, type Output } from '../output.ts'

/**
 * `medledger config check`: what a gateway would make of this environment, secrets left out. Errors: exit 2 with every
 * fault when it would not start.
 */
export async function configCheck(
  { json }: { readonly json?: true },
  output: Output,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const report = checkConfig(environment)
  if (json) writeJson(output, report)
  else writeReport(report, output)
  const { length } = report.faults
  if (length > 0)
    throw new Failure(exitCodes.badInput, `The configuration has ${length} fault${length === 1 ? '' : 's'}.`)
}

function writeReport({ settings, faults, unknown }: ConfigReport, output: Output): void {
  const rows = settings.map(({ variable, source, value }) => [variable, source, String(value ?? '')])
  output.out(table(['variable', 'from', 'value'], rows))
  for (const name of unknown) output.err(`${name} is no setting of a gateway.\n`)
  for (const fault of faults) output.err(`${fault}.\n`)
}
