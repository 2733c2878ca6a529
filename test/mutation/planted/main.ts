import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { faults } from './faults.ts'

/*
 * Plants one fault after the other in the validator of the embedded network, and tells which tests find it: the chains that
 * Fabric has judged, or the suites. Ends with 1 when one is found by neither.
 */

const root = fileURLToPath(new URL('../../..', import.meta.url))
const vitest = join(createRequire(import.meta.url).resolve('vitest/package.json'), '..', 'vitest.mjs')
const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url))

interface Report {
  readonly numPassedTests: number
  readonly testResults: ReadonlyArray<{ readonly name: string; readonly status: string }>
}

/** The test files that fail with a fault. Errors: Error when the tests did not run. */
function findersOf(number: number): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'medledger-planted-'))
  const outputFile = join(directory, 'report.json')
  try {
    const { stderr } = spawnSync(
      process.execPath,
      [vitest, 'run', '--config', config, '--reporter=json', `--outputFile=${outputFile}`],
      { cwd: root, env: { ...process.env, MEDLEDGER_PLANTED: String(number) }, encoding: 'utf8' },
    )
    const { testResults, numPassedTests } = readReport(outputFile, stderr)
    if (numPassedTests === 0)
      throw new Error(`no test runs with the fault that ${faults[number]?.name}:\n${stderr}`)
    return testResults.filter(({ status }) => status === 'failed').map(({ name }) => relative(root, name))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function readReport(file: string, stderr: string): Report {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch (error) {
    throw new Error(`the tests did not run:\n${stderr}`, { cause: error })
  }
}

const judged = 'test/oracle/judged-chain.test.ts'
const shorten = (file: string): string =>
  file.replace(/^test\/(scripts\/network\/)?/, '').replace(/\.test\.ts$/, '')

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, help: { type: 'boolean', default: false } },
})
if (values.help) {
  process.stdout.write(`npm run planted -- [--only WORDS]

Plants ${faults.length} faults in the validator, one at a time, and prints which tests find each.
  --only WORDS  those alone that have these words in their name
`)
  process.exit(0)
}
const before = findersOf(faults.length)
if (before.length > 0) throw new Error(`these fail without any fault: ${before.join(', ')}`)
process.stdout.write('| fault | judged chains | suites |\n| --- | --- | --- |\n')
let planted = 0
let missed = 0
for (const [number, { name }] of faults.entries()) {
  if (!name.includes(values.only)) continue
  const finders = findersOf(number)
  planted += 1
  if (finders.length === 0) missed += 1
  const chains = finders.includes(judged) ? 'found' : '–'
  const suites = finders.filter((file) => file !== judged).map(shorten)
  process.stdout.write(`| ${name} | ${chains} | ${suites.join(', ') || '–'} |\n`)
}
process.stdout.write(`\n${planted} faults, ${missed} found by nothing\n`)
process.exitCode = missed === 0 ? 0 : 1
