// Runs before `npm start` and `npm test`, on whatever Node the machine has, so it is plain JavaScript without
// dependencies. It installs when node_modules is missing or older than the lock file; afterwards the npm package
// `node` puts Node 24 first on the path of every npm script.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const installed = join(root, 'node_modules', '.package-lock.json')
const lock = join(root, 'package-lock.json')

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  process.stderr.write('Installing the packages of package-lock.json (once, about half a minute) …\n')
  // npm must not run on the Node that it is about to replace in node_modules/.bin.
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'))
  // Standard output belongs to the command that follows (it may be JSON), so npm's goes to standard error.
  const options = {
    cwd: root,
    env: { ...process.env, PATH: path.join(delimiter) },
    stdio: ['ignore', 2, 2],
  }
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error']
  // `npm ci` refuses a lock file that lacks other platforms' optional packages, which a registry may not have; the
  // same versions are then installed without writing the lock file.
  const first = spawnSync('npm', ['ci', ...quietly], { ...options, stdio: 'ignore' })
  const { status } =
    first.status === 0 ? first : spawnSync('npm', ['install', '--no-save', ...quietly], options)
  if (status !== 0) {
    process.stderr.write('The packages could not be installed: see the lines above, then try again.\n')
    process.exit(1)
  }
}
