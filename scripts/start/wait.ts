import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface WaitOptions {
  readonly timeoutMs: number
  readonly intervalMs: number
  /** Ends the waiting early. */
  readonly signal?: AbortSignal
}

/** Asks again and again until the answer is yes. Errors: one line that says what was waited for. */
export async function waitUntil(
  what: string,
  isSo: () => Promise<boolean>,
  { timeoutMs, intervalMs, signal }: WaitOptions,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await isSo())) {
    signal?.throwIfAborted()
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s.`)
    await pause(intervalMs)
  }
}

/** Whether a gateway says that it can serve: `GET /readyz` answers 200. */
export async function isReady(url: string, timeoutMs = 2000): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(timeoutMs) })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    return false
  }
}

/** What a gateway says of itself at `GET /readyz`. */
export interface Readiness {
  readonly ready: boolean
  /** It is ready, and something that some requests need does not work. */
  readonly degraded: boolean
  /** Names of what does not work. */
  readonly broken: readonly string[]
}

/** Undefined when a gateway does not answer, or with something else. */
export async function readReadiness(url: string, timeoutMs = 2000): Promise<Readiness | undefined> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(timeoutMs) })
    const { ready, degraded, stopping, ...parts } = (await response.json()) as Record<string, unknown>
    if (typeof ready !== 'boolean') return undefined
    const broken = Object.entries(parts).flatMap(([name, part]) => (isBroken(part) ? [name] : []))
    return {
      ready,
      degraded: ready && degraded === true,
      broken: [...(stopping === true ? ['stopping'] : []), ...broken],
    }
  } catch {
    return undefined
  }
}

const isBroken = (part: unknown): boolean => {
  const { works, connected } = (part ?? {}) as { readonly works?: unknown; readonly connected?: unknown }
  return works === false || connected === false
}

/** Whether something listens at a port of the loopback interface. */
export function isOpen(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: '127.0.0.1', port })
  const settle = (open: boolean): void => {
    socket.destroy()
    resolve(open)
  }
  socket.once('connect', () => settle(true))
  socket.once('error', () => settle(false))
  return promise
}
