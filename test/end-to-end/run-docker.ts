import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findCompose } from '../../scripts/network/docker/compose.ts'
import { provideForeignImages } from '../../scripts/start/docker/images.ts'

/*
 * `npm run test:network`: the end-to-end suites on Hyperledger Fabric itself, under Docker Compose. Where there is no Docker or
 * the images cannot be had, it says in one line that it did not run, and why.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const projects = ['end-to-end-docker-demo', 'end-to-end-docker-narrow', 'end-to-end-docker-faults']

async function obstacle(): Promise<string | undefined> {
  try {
    await findCompose()
    await provideForeignImages((line) => void process.stdout.write(`${line}\n`))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const reason = await obstacle()
if (reason !== undefined) process.stdout.write(`The network suite did not run: ${reason}\n`)
else {
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : projects
  for (const project of wanted) {
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts']
    const { status } = spawnSync(process.execPath, [...vitest, '--project', project], {
      cwd: root,
      stdio: 'inherit',
    })
    if (status !== 0) process.exitCode = 1
  }
}
