import { InvalidArgumentError, Option, type Command } from 'commander'
import { purposesOfUse } from 'medledger-chaincode/api'
import { highestPort } from '../start/ports.ts'
import { defaultDirectory } from '../start/paths.ts'

/** Options that nearly every command has. */
export interface CommonOptions {
  readonly data: string
  readonly json?: true
}

/** Options of a command that somebody gives as herself. */
export interface PersonalOptions extends CommonOptions {
  readonly as: string
  readonly at?: string
}

export const withCommon = (command: Command, directory = defaultDirectory): Command =>
  command
    .addOption(
      new Option('--data <directory>', 'the data directory of the instance')
        .env('MEDLEDGER_DATA')
        .default(directory),
    )
    .option('--json', 'data as JSON on standard output, words on standard error')

export const withPerson = (command: Command): Command =>
  withCommon(command)
    .requiredOption('--as <user>', 'who does this, see `medledger people`')
    .option('--at <organisation>', 'the gateway to use; by default that of the own organisation')

/** Collects the values of an option that may be given several times. */
export const collect =
  (parse: (value: string) => string) =>
  (value: string, before: readonly string[] | undefined): readonly string[] => [
    ...(before ?? []),
    parse(value),
  ]

/** A code of HL7 v3 ActReason. Errors: bad input, with the list. */
export function parsePurpose(value: string): string {
  const code = value.toUpperCase()
  if (purposesOfUse.includes(code)) return code
  throw new InvalidArgumentError(`It must be one of ${purposesOfUse.join(', ')}.`)
}

export function parseLoinc(value: string): string {
  if (/^\d{1,7}-\d$/.test(value)) return value
  throw new InvalidArgumentError('It must be a LOINC code, e.g. 11502-2.')
}

/** The first port of a block of nineteen. */
export function parsePort(value: string): number {
  const port = Number(value)
  if (/^\d{1,5}$/.test(value) && port >= 1024 && port <= highestPort - 20) return port
  throw new InvalidArgumentError(`It must be a number from 1024 to ${highestPort - 20}.`)
}

/** An instant with its offset, in UTC. */
export function parseInstant(value: string): string {
  const instant = Date.parse(value)
  if (dateForm.test(value) && value.includes('T') && !Number.isNaN(instant) && isCalendarDay(value))
    return new Date(instant).toISOString()
  throw new InvalidArgumentError('It must be an instant such as 2027-01-31T12:00:00Z.')
}

const dateForm = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/

/** A date, whose whole day (UTC) counts, or an instant; it must lie ahead. */
export function parseUntil(value: string): string {
  const instant = Date.parse(value)
  if (!dateForm.test(value) || Number.isNaN(instant) || !isCalendarDay(value))
    throw new InvalidArgumentError(
      'It must be a date such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z.',
    )
  const end = value.includes('T') ? instant : instant + 86_400_000
  if (end <= Date.now()) throw new InvalidArgumentError('It lies in the past.')
  return value
}

/** `Date.parse` takes 31 February for a day in March. */
function isCalendarDay(value: string): boolean {
  const day = value.slice(0, 10)
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}
