import type { Child } from './child.ts'
import type { ControlHandler } from './control.ts'
import type { NetworkParts } from './network-parts.ts'

export interface PartControlOptions {
  /** The parts that are processes of their own. */
  readonly children: readonly Child[]
  readonly network: Pick<Child, 'state'>
  /** The parts inside the network process. */
  readonly inNetwork: readonly string[]
  readonly networkParts: Pick<NetworkParts, 'change'>
  /** Resolves when a process of its own that was started can be asked. */
  readonly answers: (part: string) => Promise<void>
  readonly log: (line: string) => void
}

export interface PartControl extends Omit<ControlHandler, 'stopAll'> {
  /** A network that crashed comes back with all its parts; this stops those again that were stopped on purpose. */
  keepStopped(): void
}

/** Stops and starts single parts, wherever they live. Errors: RangeError for a part that does not exist. */
export function createPartControl(options: PartControlOptions): PartControl {
  const { children, network, inNetwork, networkParts, answers, log } = options
  const stopped = new Set<string>()
  const childOf = (part: string): Child => {
    const child = children.find(({ name }) => name === part)
    if (child !== undefined) return child
    const known = [...inNetwork, ...children.map(({ name }) => name)]
    throw new RangeError(`There is no part ${part}; there are: ${known.join(', ')}.`)
  }
  return {
    async stopPart(part) {
      if (!inNetwork.includes(part)) return childOf(part).stop()
      stopped.add(part)
      await networkParts.change('stop', part)
    },
    async startPart(part) {
      if (!inNetwork.includes(part)) {
        childOf(part).start()
        await answers(part)
        return
      }
      await networkParts.change('start', part)
      stopped.delete(part)
    },
    status: () => [
      ...inNetwork.map((part) => ({ part, running: network.state === 'running' && !stopped.has(part) })),
      ...children.map(({ name, state }) => ({ part: name, running: state === 'running' })),
    ],
    keepStopped() {
      for (const part of stopped) {
        networkParts.change('stop', part).catch((error: Error) => log(error.message))
      }
    },
  }
}
