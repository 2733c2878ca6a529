import { readFile } from 'node:fs/promises'
import { check } from 'medledger-chaincode/api'
import { Type } from 'typebox'
import { issueCredentials } from '../issue.ts'
import type { Topology } from '../topology.ts'
import { openAdministration } from './administration.ts'
import { compareChains } from './compare.ts'
import { deployAll, joinAll } from './deploy.ts'
import { inspect } from './inspect.ts'

/*
 * What is done from inside the network, by a short-lived container: `main.ts deploy|inspect|compare <settings file>
 * <genesis file>`. It prints a JSON object a line: `{ "done": … }` for each thing done, `{ "inspected": … }` or
 * `{ "compared": … }` for what was found, and last `{ "failed": … }` when it failed.
 */

const Settings = Type.Object({
  topology: Type.Unsafe<Topology>(Type.Object({})),
  credentialsDirectory: Type.String(),
})

const actions: readonly string[] = ['deploy', 'inspect', 'compare']

const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

async function run(action: string, settingsFile: string, genesisFile: string): Promise<void> {
  const text = await readFile(settingsFile, 'utf8')
  const { topology, credentialsDirectory } = check(Settings, JSON.parse(text), 'network settings')
  const credentials = await issueCredentials(topology, credentialsDirectory)
  const administration = openAdministration(topology, credentials)
  const options = { topology, administration, report: (line: string) => print({ done: line }) }
  try {
    if (action === 'inspect') print({ inspected: await inspect(options) })
    else if (action === 'compare') print({ compared: await compareChains(options) })
    else {
      await joinAll(options, await readFile(genesisFile))
      await deployAll(options)
    }
  } finally {
    administration.close()
  }
}

const [, , action, settingsFile, genesisFile] = process.argv
try {
  if (!actions.includes(action ?? '') || settingsFile === undefined || genesisFile === undefined)
    throw new Error(`usage: main.ts ${actions.join('|')} <settings file> <genesis file>`)
  await run(action ?? '', settingsFile, genesisFile)
} catch (error) {
  print({ failed: (error as Error).message })
  process.exitCode = 1
}
