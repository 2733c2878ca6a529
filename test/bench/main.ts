import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { repository } from '../support/command-line.ts'
import { testPort } from '../support/ports.ts'
import { depositByHttp, startContainers, type Asked } from './asked.ts'
import { startBareNetwork } from './bare-network.ts'
import { compareBare } from './comparisons/bare.ts'
import { compareDecisions } from './comparisons/decisions.ts'
import { compareDocuments } from './comparisons/documents.ts'
import { compareHttp } from './comparisons/http.ts'
import { compareLists, openBenchProjection } from './comparisons/lists.ts'
import { comparePatients } from './comparisons/patients.ts'
import { compareSdk } from './comparisons/sdk.ts'
import { compareTokenCache } from './comparisons/token-cache.ts'
import { compareTrees, type Tree } from './comparisons/trees.ts'
import { startBenchInstance } from './instance.ts'
import { measureLone, renderLone, type LoneAccess } from './lone.ts'
import { depositPatients, registerPatients, type BenchPatient } from './patients.ts'
import { renderArms, renderRatios, summarise, type Summary } from './report.ts'
import { measure, type Comparison, type Schedule } from './rounds.ts'
import { measureStartUp, renderStartUp, type StartUp } from './start-up/measure.ts'
import { connectStock } from './stock-sdk.ts'
import { requestAccess, type Bench } from './work.ts'

const full = { patients: 1000, lone: 300, schedule: { blocks: 3, roundMs: 1500, warmUpMs: 1500 } } as const
const quickSchedule = { blocks: 2, roundMs: 400, warmUpMs: 400, enoughMs: 5000 } as const
const quick = { patients: 100, lone: 100, schedule: quickSchedule } as const

/** The embedded network's own: see `defaultBatch` there. */
const blockTimeoutMs = 50

const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** Rounds of whole readings are longer, since each waits for its releases to be recorded. */
const quickTrees = { blocks: 3, roundMs: 1500, warmUpMs: 2000 } as const

/** Undone in reverse order, whatever happens. */
type CleanUps = (() => Promise<unknown>)[]

interface Extent {
  readonly patients: number
  readonly lone: number
  readonly schedule: Schedule
}

function extentOf({ quick: isQuick, against }: BenchOptions): Extent {
  if (!isQuick) return full
  return against === undefined ? quick : { ...quick, schedule: quickTrees }
}

function commitOf(tree: string): string {
  const git = (...args: string[]): string => execFileSync('git', ['-C', tree, ...args], { encoding: 'utf8' })
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes'
    return `${git('rev-parse', '--short=7', 'HEAD').trim()}${changed}`
  } catch {
    return 'unknown'
  }
}

async function setUp(directory: string, patients: number, cleanUps: CleanUps): Promise<Bench> {
  say('starting an instance and a bare network')
  const instance = await startBenchInstance(join(directory, 'instance'), testPort(600))
  cleanUps.push(() => instance.close())
  const bare = await startBareNetwork(join(directory, 'bare'), testPort(640))
  cleanUps.push(() => bare.close())
  const stock = await connectStock(instance, 'south')
  cleanUps.push(async () => stock.close())
  const projection = await openBenchProjection(instance)
  cleanUps.push(() => projection.close())
  say(`registering ${patients} patients with consents and documents`)
  const registered = await registerPatients(instance, patients)
  const readable = await depositPatients(instance, 20, 1)
  const [thick] = await depositPatients(instance, 1, 50)
  if (thick === undefined) throw new Error('there is no patient with fifty documents')
  return { instance, bare, stock, projection, patients: registered, readable, thick }
}

async function setUpTrees(directory: string, other: string, cleanUps: CleanUps): Promise<[Tree, Tree]> {
  const open = async (tree: string, port: number): Promise<Tree> => {
    const name = commitOf(tree)
    say(`starting an instance of ${name}`)
    const instance = await startBenchInstance(join(directory, String(port)), port, tree)
    cleanUps.push(() => instance.close())
    return { name, instance, readable: await depositPatients(instance, 20, 1) }
  }
  return [await open(repository, testPort(600)), await open(resolve(other), testPort(680))]
}

/** The embedded network and Fabric itself, with the same documents to read. */
async function setUpNetworks(directory: string, cleanUps: CleanUps): Promise<[Tree, Tree]> {
  const fill = async (name: string, instance: Asked): Promise<Tree> => {
    const readable: BenchPatient[] = []
    for (let count = 0; count < 20; count += 1) readable.push(await depositByHttp(instance))
    return { name, instance, readable }
  }
  say('starting an instance on the embedded network')
  const embedded = await startBenchInstance(join(directory, 'embedded'), testPort(600))
  cleanUps.push(() => embedded.close())
  const access = (documents: readonly string[]): Promise<void> => requestAccess(embedded, documents)
  say('starting a network of containers')
  const containers = await startContainers(join(directory, 'containers'), testPort(680))
  cleanUps.push(() => containers.close())
  return [await fill('embedded', { ...embedded, access }), await fill('Fabric', containers)]
}

async function runAll(comparisons: readonly Comparison[], schedule: Schedule): Promise<Summary[]> {
  const summaries: Summary[] = []
  for (const [index, comparison] of comparisons.entries()) {
    say(`${index + 1}/${comparisons.length} ${comparison.name}`)
    const summary = summarise(await measure(comparison, schedule))
    say(`${renderRatios([summary])}\n${renderArms([summary])}`)
    summaries.push(summary)
  }
  return summaries
}

/** What the command line asks for. */
export interface BenchOptions {
  readonly quick: boolean
  readonly json?: string | undefined
  readonly only?: string | undefined
  readonly against?: string | undefined
  readonly network?: boolean | undefined
  /** Of the ledgers on which a start is measured. */
  readonly transactions?: number | undefined
}

/** All that was measured. */
interface Figures {
  readonly alone?: LoneAccess | undefined
  readonly startUp?: StartUp
  readonly summaries: readonly Summary[]
}

/** As many transactions as are made in a minute. */
const defaultTransactions = 50_000

/** Everything that is measured on a network of this source tree, or of two trees. */
async function measureAll(
  { only = '', against, network, transactions = defaultTransactions }: BenchOptions,
  { patients, lone, schedule }: Extent,
  { directory, cleanUps }: { readonly directory: string; readonly cleanUps: CleanUps },
): Promise<Figures> {
  const chosen = (comparisons: readonly Comparison[]): Comparison[] =>
    comparisons.filter(({ name }) => name.includes(only))
  if (only.startsWith('start-up'))
    return { startUp: await measureStartUp(directory, testPort(600), transactions, say), summaries: [] }
  if (network === true) {
    const networks = await setUpNetworks(directory, cleanUps)
    return { summaries: await runAll(chosen(compareTrees(networks)), schedule) }
  }
  if (against !== undefined) {
    const trees = await setUpTrees(directory, against, cleanUps)
    return { summaries: await runAll(chosen(compareTrees(trees)), schedule) }
  }
  const decisions = await runAll(chosen(compareDecisions()), schedule)
  // They need no network: whoever wants nothing else waits for none.
  if (only.startsWith('decisions')) return { summaries: decisions }
  const work = await setUp(directory, patients, cleanUps)
  const alone = await measureLone(work, lone)
  return { alone, summaries: [...decisions, ...(await runAll(chosen(comparisonsOf(work)), schedule))] }
}

/** Measures, prints the tables, and undoes what it has set up. Errors: any. */
export async function bench(options: BenchOptions): Promise<void> {
  const extent = extentOf(options)
  const directory = await mkdtemp(join(tmpdir(), 'medledger-bench-'))
  const cleanUps: CleanUps = [() => rm(directory, { recursive: true, force: true })]
  const cleanUpAll = async (): Promise<void> => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void cleanUpAll().finally(() => process.exit(1)))
  const environment = {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(repository),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    schedule: extent.schedule,
  }
  try {
    const measured = await measureAll(options, extent, { directory, cleanUps })
    process.stdout.write(render(environment, measured))
    if (options.json !== undefined) {
      const figures = { environment, ...measured }
      await writeFile(options.json, `${JSON.stringify(figures, undefined, 2)}\n`)
    }
  } finally {
    await cleanUpAll()
  }
}

const comparisonsOf = (work: Bench): Comparison[] => [
  ...compareSdk(work),
  ...compareBare(work),
  ...compareHttp(work),
  ...compareTokenCache(work),
  ...comparePatients(work),
  ...compareDocuments(work),
  ...compareLists(work),
]

interface Environment {
  readonly date: string
  readonly commit: string
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly loadBefore: number
  readonly schedule: Schedule
}

const describe = ({ date, commit, cpu, cores, node, loadBefore }: Environment): string =>
  `${date}, commit ${commit}, ${cpu.trim()}, ${cores} cores, Node ${node}, load before ${loadBefore.toFixed(1)}.`

const describeRounds = ({ schedule }: Environment): string =>
  `${schedule.enoughMs === undefined ? '' : 'up to '}${schedule.blocks * 4} rounds of ${schedule.roundMs / 1000} s in ABBA order for each comparison. ` +
  'Ratios are medians with a 95 % bootstrap interval.'

const render = (environment: Environment, { alone, startUp, summaries }: Figures): string =>
  [
    describe(environment),
    ...(alone ? [renderLone(alone, blockTimeoutMs)] : []),
    ...(startUp
      ? [renderStartUp(startUp)]
      : [describeRounds(environment), renderRatios(summaries), renderArms(summaries)]),
    '',
  ].join('\n\n')
