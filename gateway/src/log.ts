import { AsyncLocalStorage } from 'node:async_hooks'
import { pino, type Logger } from 'pino'

/** The gateway's log: JSON lines with ids and codes. Nothing that a person sent or that is about a person. */
export interface Log {
  event(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void
  /** An unexpected error: its kind and where it happened; its own words may hold data and are left out. */
  fault(where: string, error: unknown, fields?: Readonly<Record<string, string>>): void
}

/** The id of the request for which something is done: every line that is written meanwhile has it. */
const requests = new AsyncLocalStorage<string>()

/** Runs something on behalf of a request, with all that follows from it. */
export const onBehalfOf = (request: string, action: () => void): void => requests.run(request, action)

export function createLog(organisation: string, logger: Logger = pino({ base: { organisation } })): Log {
  const ofRequest = (): { request?: string } => {
    const request = requests.getStore()
    return request === undefined ? {} : { request }
  }
  return {
    event: (event, fields = {}) => logger.info({ event, ...ofRequest(), ...fields }),
    fault(where, error, fields = {}) {
      const kind = error instanceof Error ? error.name : typeof error
      logger.error({ event: 'fault', where, kind, frames: framesOf(error), ...ofRequest(), ...fields })
    },
  }
}

/** A stack begins with the error's own words, whose lines may look like frames. */
const framesOf = (error: unknown): string[] =>
  error instanceof Error
    ? (error.stack ?? '')
        .replace(error.message, '')
        .split('\n')
        .filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line))
        .slice(0, 8)
        .map((line) => line.trim())
    : []
