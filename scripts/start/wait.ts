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
