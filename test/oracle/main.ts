import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { judgeChain, type Verdict } from './chain.ts'
import { fuzz } from './fuzz.ts'
import { writeJudgedChain } from './judged-chain.ts'
import { judgeProduct } from './product.ts'
import { findPrograms } from './programs.ts'
import { tryTools } from './tools.ts'

/*
 * The oracle: a peer of Fabric itself joins channels of the embedded network and has to come to the same verdict on every
 * transaction, and to the same state. `npm run oracle -- --help` tells how.
 */

const usage = `npm run oracle -- [--quick] [--seeds N] [--first SEED] [--transactions N]

Joins a real Fabric peer to channels of the embedded network and compares the verdicts of both on generated
transactions. FABRIC_BIN names the folder with Fabric's binaries; without it, the peer runs in the image that
docker-compose.yml names, which must be on this machine.
  --without-product leave out the product's own chain, which takes a minute or two
  --quick           half as many chains, in four to five minutes
  --seeds N         how many chains, each from a seed of its own (50)
  --first SEED      the first seed (1); a difference names its seed
  --transactions N  transactions in each chain (2000)
  --keep            keep each chain under test/oracle/chains, where \`npm test\` judges it again`

const { values } = parseArgs({
  options: {
    'without-product': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    first: { type: 'string', default: '1' },
    transactions: { type: 'string', default: '2000' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const add = (total: Map<string, number>, counts: ReadonlyMap<string, number>): void => {
  for (const [name, count] of counts) total.set(name, (total.get(name) ?? 0) + count)
}

const table = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, count]) => `${String(count).padStart(9)}  ${name}`)
    .join('\n')

async function inTemporary<Result>(judge: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'medledger-oracle-'))
  try {
    return await judge(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

if (values.help) {
  say(usage)
  process.exit(0)
}
const programs = await findPrograms().catch(({ message }: Error) => {
  process.stderr.write(`${message}\n`)
  process.exit(2)
})
const seeds = Number(values.seeds ?? (values.quick ? 25 : 50))
const first = Number(values.first)
const transactions = Number(values.transactions)
say(`Fabric peer ${programs.version}; ${seeds} chains of ${transactions} transactions`)
const codes = new Map<string, number>()
const kinds = new Map<string, number>()
let blocks = 0
let different = 0

/** Judges a chain and tells what came of it; undefined when it could not be judged to its end, which is a difference. */
async function tell(
  name: string,
  judge: (directory: string) => Promise<Verdict>,
): Promise<Verdict | undefined> {
  const began = performance.now()
  const verdict = await inTemporary(judge).catch((error: Error) => {
    say(`${name}: FAILS: ${error.stack ?? error.message}`)
  })
  if (verdict === undefined) {
    different += 1
    return undefined
  }
  add(codes, verdict.codes)
  add(kinds, verdict.kinds)
  blocks += verdict.blocks
  different += verdict.differences.length
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  say(`${name}: ${verdict.blocks} blocks, ${verdict.differences.length} differences, ${seconds} s`)
  for (const line of verdict.differences.slice(0, 20)) say(`  ${line}`)
  return verdict
}

const tools = await inTemporary((directory) => tryTools(programs, directory))
for (const { what, fault, missing } of tools) {
  if (missing !== undefined) say(`not tried: ${what}: ${missing}`)
  else say(fault === undefined ? `works: ${what}` : `FAILS: ${what}: ${fault}`)
}
different += tools.filter(({ fault }) => fault !== undefined).length
if (!values['without-product']) await tell('the product', (directory) => judgeProduct(programs, directory))
for (let seed = first; seed < first + seeds; seed += 1) {
  const verdict = await tell(`seed ${seed}`, (directory) =>
    judgeChain({
      programs,
      directory,
      isMemberOnly: seed % 2 === 0,
      grow: fuzz(seed, transactions, directory),
    }),
  )
  if (values.keep && verdict !== undefined)
    writeJudgedChain(`fuzz-${seed}`, {
      fabric: programs.version,
      seed,
      holds: `${transactions} transactions drawn at random`,
      blocks: verdict.judged,
    })
}
const total = [...codes.values()].reduce((sum, count) => sum + count, 0)
say(`\n${total} transactions in ${blocks} blocks, ${different} differences`)
say(`\nby validation code, alike for both:\n${table(codes)}`)
say(`\nby kind:\n${table(kinds)}`)
process.exitCode = different === 0 ? 0 : 1
