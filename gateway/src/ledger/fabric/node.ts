/** What we need of the SDK's peers and orderers. */
export interface LedgerNode {
  readonly name: string
  readonly mspid: string
  /** With `reset`, connects when it must, and waits for the connection as long as the profile says. */
  checkConnection(reset: boolean): Promise<boolean>
}

const connecting = new WeakMap<LedgerNode, Promise<boolean>>()

/** The SDK drops a connection to make it again, so two callers must not both do it. */
function connect(node: LedgerNode): Promise<boolean> {
  const running = connecting.get(node)
  if (running !== undefined) return running
  const attempt = node
    .checkConnection(true)
    .catch(() => false)
    .finally(() => connecting.delete(node))
  connecting.set(node, attempt)
  return attempt
}

async function within(attempt: Promise<boolean>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const giveUp = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs)
  })
  try {
    return await Promise.race([attempt, giveUp])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Whether the node can be spoken to within `waitMs`. The SDK's own `connected` stays true after a node has died, so the
 * connection itself is asked each time. A caller who does not wait leaves the attempt running for the next one, who
 * makes another when it fails, since it may have begun before the node came back.
 */
export async function reach(node: LedgerNode, waitMs: number): Promise<boolean> {
  const end = performance.now() + waitMs
  const joins = connecting.has(node)
  if (await within(connect(node), waitMs)) return true
  const left = end - performance.now()
  return joins && left > 0 ? within(connect(node), left) : false
}

/** Whether one of the nodes can be spoken to within `waitMs`. */
export async function reachAny(nodes: readonly LedgerNode[], waitMs: number): Promise<boolean> {
  const attempts = nodes.map(async (node) => {
    if (!(await reach(node, waitMs))) throw new Error(`${node.name} is not connected`)
    return true
  })
  return Promise.any(attempts).catch(() => false)
}

/** Remembers which nodes failed lately, so that they are asked last. */
export interface Health {
  failed(node: { readonly name: string }): void
  recovered(node: { readonly name: string }): void
  /** The same nodes, those that failed lately at the end; otherwise in the order given. */
  failingLast<N extends { readonly name: string }>(nodes: readonly N[]): N[]
}

export function rememberHealth(memoryMs: number, now: () => number = Date.now): Health {
  const until = new Map<string, number>()
  const failing = (node: { readonly name: string }): boolean => (until.get(node.name) ?? 0) > now()
  return {
    failed: (node) => void until.set(node.name, now() + memoryMs),
    recovered: (node) => void until.delete(node.name),
    failingLast: (nodes) => [
      ...nodes.filter((node) => !failing(node)),
      ...nodes.filter((node) => failing(node)),
    ],
  }
}
