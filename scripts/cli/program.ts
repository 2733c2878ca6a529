import { Command, Option } from 'commander'
import { defaultPolicies } from 'medledger-chaincode/core'
import { defaultNetworkDirectory } from '../start/paths.ts'
import { topologyNames } from '../start/topologies.ts'
import type { GrantOptions } from './commands/consent.ts'
import type { DecideOptions } from './commands/decide.ts'
import type { ExplainOptions, SimulateOptions } from './commands/decision.ts'
import type { ImportOptions } from './commands/import.ts'
import type { KeysOptions } from './commands/keys.ts'
import type { UpOptions } from './commands/network.ts'
import type { ReplayOptions } from './commands/replay.ts'
import type { StartCommandOptions } from './commands/start.ts'
import {
  collect,
  parseInstant,
  parseLoinc,
  parsePort,
  parsePurpose,
  parseUntil,
  withCommon,
  withPerson,
  type CommonOptions,
  type PersonalOptions,
} from './options.ts'
import type { Output } from './output.ts'

/** The command line as a value: what there is to say, and what each command does. Commands are loaded when called. */
export function createProgram(output: Output): Command {
  const program = new Command('medledger')
    .description('Share medical records on a permissioned ledger, and see who looked at what.')
    .exitOverride()
    // So that what follows the name of another command belongs to that one.
    .enablePositionalOptions()
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 error, 2 usage or bad input, 3 not found, 4 refused or not authenticated,\n' +
        '5 ledger or service unavailable, 6 verification failed, 7 outcome unknown.',
    )
  for (const add of [
    addInstance,
    addPeople,
    addReading,
    addConsent,
    addImport,
    addKeys,
    addDecisions,
    addConfig,
    addDecide,
    addNetwork,
  ])
    add(program, output)
  return program
}

function addInstance(program: Command, output: Output): void {
  withCommon(program.command('start').argument('[part]', 'a part of the running instance that was stopped'))
    .description('start an instance, or one part of the running one')
    .option('--port <number>', 'the first of a block of nineteen ports', parsePort)
    .option('--reset', 'delete what the data directory holds, and begin anew')
    .option('--no-demo', 'without demonstration documents')
    .addOption(new Option('--topology <name>', 'who holds whose records').choices(topologyNames))
    .action(async (part: string | undefined, options: StartCommandOptions & CommonOptions) => {
      if (part === undefined) return (await import('./commands/start.ts')).start(options, output)
      return (await import('./commands/instance.ts')).startPart(part, options, output)
    })
  withCommon(
    program
      .command('stop')
      .argument('[part]', 'orderer, or peer-, chaincode-, gateway-, provider-<organisation>'),
  )
    .description('stop the instance, or one part of it')
    .action(async (part: string | undefined, options: CommonOptions) =>
      (await import('./commands/instance.ts')).stop(part, options, output),
    )
  withCommon(program.command('status'))
    .description('whether all of the instance works, which parts run, and their addresses')
    .action(async (options: CommonOptions) =>
      (await import('./commands/instance.ts')).status(options, output),
    )
}

function addPeople(program: Command, output: Output): void {
  withCommon(program.command('people'))
    .description('the people for whom there are tokens')
    .action(async (options: CommonOptions) =>
      (await import('./commands/instance.ts')).people(options, output),
    )
  withCommon(program.command('token'))
    .description('a bearer token of one of the people, valid for five minutes')
    .requiredOption('--user <user>', 'for whom')
    .option('--at <organisation>', 'the gateway that is to take it; by default that of the own organisation')
    .action(async (options: CommonOptions & { user: string; at?: string }) =>
      (await import('./commands/instance.ts')).token(options, output),
    )
}

function addReading(program: Command, output: Output): void {
  withPerson(program.command('documents'))
    .description('what somebody could read now of a patient')
    .requiredOption('--patient <patient>', 'user name or handle')
    .action(async (options: PersonalOptions & { patient: string }) =>
      (await import('./commands/reading.ts')).documents(options, output),
    )
  withPerson(program.command('read').argument('<document>', 'id of the document'))
    .description('ask for a document; the request is recorded whatever the answer')
    .option('--purpose <code>', 'the purpose of use, e.g. TREAT', parsePurpose)
    .action(async (document: string, options: PersonalOptions & { purpose?: string }) =>
      (await import('./commands/reading.ts')).read(document, options, output),
    )
  withPerson(program.command('log'))
    .description('who did what with a patient’s records')
    .requiredOption('--patient <patient>', 'user name or handle')
    .action(async (options: PersonalOptions & { patient: string }) =>
      (await import('./commands/reading.ts')).log(options, output),
    )
}

function addConsent(program: Command, output: Output): void {
  const asGiven = (value: string): string => value
  withPerson(program.command('grant'))
    .description('allow somebody to read, or deny it, as the patient')
    .option('--to <whom>', 'a user, an organisation (north) or a role (doctor); not needed to deny everybody')
    .option('--deny', 'deny instead of allowing')
    .option('--purpose <code>', 'only for this purpose of use; may be repeated', collect(parsePurpose))
    .option('--type <code>', 'only documents of this LOINC type; may be repeated', collect(parseLoinc))
    .option('--until <date>', 'the last day, or the last instant', parseUntil)
    .option('--custodian <organisation>', 'only at this custodian; may be repeated', collect(asGiven))
    .option('--file <file>', 'a FHIR Consent, R4 or R5, instead of options')
    .addOption(
      new Option('--default-policy <name>', 'what applies where no directive does').choices(defaultPolicies),
    )
    .action(async (options: GrantOptions) => (await import('./commands/consent.ts')).grant(options, output))
  withPerson(program.command('revoke').argument('[consent]', 'id of the consent'))
    .description('take a consent back, as the patient')
    .option('--last', 'the newest consent that is active')
    .action(async (consent: string | undefined, options: PersonalOptions & { last?: true }) =>
      (await import('./commands/consent.ts')).revoke(consent, options, output),
    )
}

function addDecisions(program: Command, output: Output): void {
  const asGiven = (value: string): string => value
  withPerson(program.command('explain').argument('<entry>', 'id of an access, see `medledger log`'))
    .description('why an access was decided as it was, as the patient')
    .option('--custodian <organisation>', 'whose documents it was about; with --through the log is not read')
    .option('--through <organisation>', 'whose gateway it came through')
    .action(async (entry: string, options: ExplainOptions) =>
      (await import('./commands/decision.ts')).explain(entry, options, output),
    )
  withPerson(program.command('simulate'))
    .description('what would be decided if somebody asked for your documents, as the patient')
    .requiredOption('--to <whom>', 'a user, an organisation (north) or a role (doctor)')
    .addOption(new Option('--purpose <code>', 'the purpose of use').argParser(parsePurpose).default('TREAT'))
    .option('--on <instant>', 'as of then, e.g. 2027-01-31T12:00:00Z', parseInstant)
    .option('--file <consent.json>', 'with this FHIR Consent as if it were granted')
    .option('--without <consent>', 'as if this consent were revoked; may be repeated', collect(asGiven))
    .action(async (options: SimulateOptions) =>
      (await import('./commands/decision.ts')).simulate(options, output),
    )
  withCommon(program.command('replay'))
    .description('decide every access again from the versions that its entry names, on the own peer')
    .requiredOption('--org <organisation>', 'whose peer; its operator’s certificate is used')
    .option(
      '--custodian <organisation>',
      'only this custodian’s placement; may be repeated',
      collect(asGiven),
    )
    .action(async (options: ReplayOptions) => (await import('./commands/replay.ts')).replay(options, output))
}

function addImport(program: Command, output: Output): void {
  withCommon(program.command('import').argument('<file>', 'a FHIR R4 Bundle of one patient'))
    .description('take a patient’s records over from a FHIR bundle')
    .requiredOption('--org <organisation>', 'the hospital that keeps them')
    .action(async (file: string, options: ImportOptions) =>
      (await import('./commands/import.ts')).importFile(file, options, output),
    )
}

function addKeys(program: Command, output: Output): void {
  const keys = program.command('keys').description('signing keys of an organisation’s identity provider')
  const command = (name: string, description: string): Command =>
    withCommon(keys.command(name))
      .description(description)
      .requiredOption('--org <organisation>', 'whose provider; its operator’s certificate is used')
  command('list', 'a development provider’s keys, and what the ledger says of each').action(
    async (options: KeysOptions) => (await import('./commands/keys.ts')).list(options, output),
  )
  command('rotate', 'have a new key take over; the one before serves until its tokens have ended').action(
    async (options: KeysOptions) => (await import('./commands/keys.ts')).rotate(options, output),
  )
  command('retire', 'revoke the keys whose last tokens have ended').action(async (options: KeysOptions) =>
    (await import('./commands/keys.ts')).retire(options, output),
  )
  command('revoke', 'revoke a key at once, with all tokens that it signed')
    .option('--kid <id>', 'which key; by default the one that signs')
    .action(async (options: KeysOptions & { kid?: string }) =>
      (await import('./commands/keys.ts')).revoke(options, output),
    )
  command('add', 'put public keys of another provider on the ledger')
    .requiredOption('--jwks <file>', 'a JWK Set, as the provider publishes it')
    .option('--kid <id>', 'only this key')
    .option('--alg <name>', 'the one algorithm of keys that do not name theirs, e.g. PS256')
    .action(async (options: KeysOptions & { jwks: string; kid?: string; alg?: string }) =>
      (await import('./commands/keys.ts')).add(options, output),
    )
}

function addConfig(program: Command, output: Output): void {
  program
    .command('config')
    .description('a gateway’s configuration')
    .command('check')
    .description('what a gateway would make of this environment, with all faults and without secrets')
    .option('--json', 'data as JSON on standard output, words on standard error')
    .action(async (options: { json?: true }) =>
      (await import('./commands/config.ts')).configCheck(options, output),
    )
}

function addDecide(program: Command, output: Output): void {
  program
    .command('decide')
    .description('decide a case that is given in FHIR on standard input, without any ledger')
    .option('--ndjson', 'a case a line, answered by a decision a line')
    .action(async (options: DecideOptions) =>
      (await import('./commands/decide.ts')).decideCommand(options, output),
    )
}

function addNetwork(program: Command, output: Output): void {
  const network = program
    .command('network')
    .description('a network of containers: Hyperledger Fabric under Docker Compose')
    .enablePositionalOptions()
  const command = (name: string, description: string): Command =>
    withCommon(network.command(name), defaultNetworkDirectory).description(description)
  const load = (): Promise<typeof import('./commands/network.ts')> => import('./commands/network.ts')
  command('up', 'bring it up, from nothing or from where it was interrupted; a repeat changes nothing')
    .option('--port <number>', 'the first of a block of nineteen ports', parsePort)
    .option('--no-demo', 'without demonstration documents')
    .addOption(new Option('--topology <name>', 'who holds whose records').choices(topologyNames))
    .action(async (options: UpOptions) => (await load()).up(options, output))
  command('status', 'containers, peers, orderers, gateways, and which certificates expire next').action(
    async (options: CommonOptions) => (await load()).networkStatus(options, output),
  )
  command('compare', 'whether all peers have the same blocks, validation codes and state').action(
    async (options: CommonOptions) => (await load()).compare(options, output),
  )
  command('deploy', 'join, install, approve and commit what is missing').action(
    async (options: CommonOptions) => (await load()).networkDeploy(options, output),
  )
  command('backup', 'everything into a new folder; it is stopped meanwhile')
    .argument('<folder>', 'a folder that does not exist yet')
    .action(async (folder: string, options: CommonOptions) => (await load()).backup(folder, options, output))
  command('restore', 'make it from a backup, in a data directory that holds nothing yet')
    .argument('<folder>', 'what medledger network backup has made')
    .action(async (folder: string, options: CommonOptions) => (await load()).restore(folder, options, output))
  command('down', 'stop it')
    .option('--volumes', 'and delete its ledgers, databases and keys')
    .action(async (options: CommonOptions & { volumes?: true }) => (await load()).down(options, output))
  command('logs', 'what the containers have said')
    .argument('[part]', 'only this container, e.g. gateway-north')
    .option('--lines <number>', 'the last lines of each', '100')
    .action(async (part: string | undefined, options: CommonOptions & { lines: string }) =>
      (await load()).logs(part, options, output),
    )
  command('run', 'another command of this program, from inside the network: keys and replay need a peer')
    .argument('<command...>', 'the command and its options')
    .passThroughOptions()
    .action(async (args: readonly string[], options: CommonOptions) =>
      (await load()).runInside(args, options, output),
    )
}
