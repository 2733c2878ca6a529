import { setTimeout as wait } from 'node:timers/promises'
import type { LedgerLogLine, LedgerTransport } from 'medledger-gateway/ledger'
import { readInstanceSettings } from './settings.ts'
import { bootstrapPlanOf, type BootstrapStep } from './bootstrap-steps.ts'
import { openJournal, type Journal } from './journal.ts'
import { connectOperator } from './operator.ts'
import { pathsIn } from './paths.ts'
import { prepare, type Prepared } from './prepare.ts'
import { takeStep } from './take-step.ts'

/*
 * The bootstrap as a process of its own: `bootstrap.ts <data directory>`. It opens the placements, adds the development
 * providers' keys and registers the people, with the operators' certificates. It can be repeated and resumed.
 */

const patienceMs = 30_000

async function takeAll(
  steps: readonly BootstrapStep[],
  prepared: Prepared,
  journal: Journal,
  transportOf: (organisation: string) => Promise<LedgerTransport>,
): Promise<void> {
  const missing = steps.filter(({ key }) => !journal.has(key))
  const deadline = Date.now() + patienceMs
  await Promise.all(
    missing.map(async (step) => {
      const transport = await transportOf(step.by)
      const { constitution } = prepared.topology
      await takeStep(step, { constitution, transport, deadline, now: Date.now, wait })
      await journal.add(step.key)
      process.stdout.write(`${step.name} is done\n`)
    }),
  )
}

const log = ({ event, ...fields }: LedgerLogLine): void =>
  void process.stdout.write(`${event} ${JSON.stringify(fields)}\n`)

async function bootstrap(root: string): Promise<void> {
  const paths = pathsIn(root)
  const prepared = await prepare(await readInstanceSettings(paths), paths)
  const journal = await openJournal(paths.journal)
  const transports = new Map<string, Promise<LedgerTransport>>()
  const transportOf = (organisation: string): Promise<LedgerTransport> => {
    const known = transports.get(organisation) ?? connectOperator(prepared, organisation, log)
    transports.set(organisation, known)
    return known
  }
  const { first, rest } = bootstrapPlanOf(prepared.topology, prepared.issuers, prepared.people)
  await takeAll(first, prepared, journal, transportOf)
  await takeAll(rest, prepared, journal, transportOf)
}

process.once('disconnect', () => process.exit(1))
try {
  const [, , root] = process.argv
  if (root === undefined) throw new Error('usage: bootstrap.ts <data directory>')
  await bootstrap(root)
  process.exit(0)
} catch (error) {
  process.stderr.write(`the network cannot be set up: ${(error as Error).message}\n`)
  process.exit(1)
}
