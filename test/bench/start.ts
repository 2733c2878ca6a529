import { parseArgs } from 'node:util'

/*
 * `npm run bench -- [--quick] [--json FILE] [--only TEXT] [--against DIR | --network] [--transactions N]`: real processes on the embedded network, in a
 * temporary directory. Two arms of each comparison take turns in short rounds, so that what else runs on the machine
 * falls on both; ratios and CPU times mean more than rates.
 */

const usage = `npm run bench -- [options]
  Measures decisions by themselves, 10 directives against 100 and R4 against R5; then, on the embedded network, with all of
  it on this machine: a lone access and its steps; our ledger client against the stock SDK at 1, 50 and 200 in flight;
  RequestAccess against bare writes; HTTP and token against the ledger port; a whole reading against its access; a token
  seen before against a new one; few patients against many, alone and with changes of consent; 50 documents in one request
  against 50 requests; a list and a page of the log from the projection against the own peer.

  --quick         under two minutes instead of seven: the same comparisons with 100 patients instead of 1,000, each with
                  four to eight rounds of 0.4 s instead of twelve of 1.5 s: for large differences only
  --json FILE     writes all figures there
  --only TEXT     only comparisons whose name has this text; decisions need no network. With start-up nothing of this is
                  measured, but what a start of the embedded network takes on ledgers of many transactions, made offline
  --transactions N
                  how many those have (50,000: about a minute; a million: twenty); each takes 13 KB of disk
  --against DIR   compares readings, lists and the log with those of another source tree (installed) instead
  --network       compares them with those on Fabric itself, under Docker (see The real network in the README)
`

try {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string' },
      against: { type: 'string' },
      network: { type: 'boolean', default: false },
      transactions: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(usage)
  else {
    // Not before: the SDK reads the command line when it is loaded, and has another answer to --help.
    const { bench } = await import('./main.ts')
    const { transactions, ...others } = values
    await bench({ ...others, ...(transactions !== undefined && { transactions: Number(transactions) }) })
  }
  process.exit(0)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exit(1)
}
