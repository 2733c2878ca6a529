/** How the parts inside the network process are stopped and started: by messages, one at a time. */
export interface NetworkParts {
  change(type: 'stop' | 'start', part: string): Promise<void>
  /** To be given every message of the network process. */
  receive(message: unknown): void
  /** The network process is gone, and with it every answer. */
  lost(): void
}

const answerTimeoutMs = 20_000

interface Answer {
  readonly type: 'done' | 'failed'
  readonly part: string
  readonly message?: string
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null) return false
  const { type, part } = value as Partial<Answer>
  return (type === 'done' || type === 'failed') && typeof part === 'string'
}

export function createNetworkParts(send: (message: object) => void): NetworkParts {
  let waiting: { readonly part: string; readonly settle: (fault: string | undefined) => void } | undefined
  let turn: Promise<unknown> = Promise.resolve()

  const ask = async (type: 'stop' | 'start', part: string): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const timer = setTimeout(() => resolve('the network process does not answer'), answerTimeoutMs)
    waiting = { part, settle: resolve }
    send({ type, part })
    const fault = await promise
    clearTimeout(timer)
    waiting = undefined
    if (fault !== undefined) throw new Error(`${part}: ${fault}`)
  }
  return {
    change(type, part) {
      const result = turn.then(() => ask(type, part))
      turn = result.catch(() => undefined)
      return result
    },
    receive(message) {
      if (!isAnswer(message) || message.part !== waiting?.part) return
      waiting.settle(message.type === 'done' ? undefined : (message.message ?? 'it failed'))
    },
    lost() {
      waiting?.settle('the network process has ended')
    },
  }
}
