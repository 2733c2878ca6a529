import { setTimeout as sleep } from 'node:timers/promises'
import { causesOf, codeOf, isUnavailable } from './faults.ts'
import { UnfitDatabase } from './open.ts'

export interface Patience {
  /** How long a database is waited for. */
  readonly forMs: number
  readonly everyMs: number
  /** The setting that names the database, for the operator. */
  readonly setting: string
  /** Hears once why it has to wait, and again when that changes. */
  readonly onWait: (code: string) => void
}

const missing = '3D000'

/**
 * Opens a database that may not be there yet. Errors: one line that begins with the setting, says what is wrong and what
 * to do, and ends with the code of the cause.
 */
export async function openPatiently<Opened>(
  open: () => Promise<Opened>,
  { forMs, everyMs, setting, onWait }: Patience,
): Promise<Opened> {
  const deadline = performance.now() + forMs
  let told: string | undefined
  for (;;) {
    try {
      return await open()
    } catch (error) {
      const code = codeOf(error)
      const canWait = isUnavailable(error) || code === missing
      if (!canWait || performance.now() >= deadline)
        throw new Error(`${setting}: ${reasonOf(error, code, forMs)}`, { cause: error })
      if (told !== code) onWait(code)
      told = code
      await sleep(everyMs)
    }
  }
}

const certificate = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/

function reasonOf(error: unknown, code: string, forMs: number): string {
  if (error instanceof UnfitDatabase) return error.message
  return `${inWords(error, code, forMs)} (${code}).`
}

function inWords(error: unknown, code: string, forMs: number): string {
  if (code === missing) return 'the server has no database of this name: create it, with the encoding UTF8'
  if (code === '25006') return 'the server is a standby, which takes no writes: name the primary'
  if (isUnavailable(error))
    return `no database has answered for ${Math.round(forMs / 1000)} s: start it, or correct the address`
  if (code.startsWith('28')) return 'the server refuses this user or password: correct them'
  if (code === '42501') return 'the user may not create tables there: make it the owner of the database'
  if (certificate.test(code))
    return "the server's certificate is not of its name or not of the authority: correct one"
  if (refusesTls(error)) return 'the server offers no TLS, which the authority asks for: set it up'
  return 'the database could not be opened or brought to this version: the log of the database says why'
}

const refusesTls = (error: unknown): boolean =>
  causesOf(error).some(({ message }) => message.includes('does not support SSL'))
