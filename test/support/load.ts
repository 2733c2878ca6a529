import type { Answer, Network } from './network.ts'

/** One request of the load, as it went. */
export interface Shot {
  readonly custodian: string
  /** When it was sent, in milliseconds of `performance.now()`. */
  readonly at: number
  readonly milliseconds: number
  /** 0 when no answer came at all. */
  readonly status: number
  readonly entries: readonly string[]
  readonly location: string | null
}

export interface Load {
  readonly shots: readonly Shot[]
  /** Sends nothing more; resolves when everything that was sent has been answered. */
  stop(): Promise<readonly Shot[]>
}

const perSecond = 10

/**
 * Ten accesses a second in all, to one document after the other, each sent at its time whatever became of those before: a
 * network that hangs does not slow down who asks.
 */
export function startLoad(
  network: Network,
  user: string,
  documents: readonly { readonly id: string; readonly custodian: string }[],
): Load {
  const shots: Shot[] = []
  const underWay = new Set<Promise<void>>()
  let next = 0
  const shoot = async (): Promise<void> => {
    const document = documents[next % documents.length]
    next += 1
    if (document === undefined) return
    const at = performance.now()
    const answer = await network
      .ask(user, `/fhir/Bundle/${document.id}`)
      .catch((): Answer | undefined => undefined)
    shots.push({
      custodian: document.custodian,
      at,
      milliseconds: performance.now() - at,
      status: answer?.status ?? 0,
      entries: answer?.entries ?? [],
      location: answer?.headers.get('location') ?? null,
    })
  }
  const timer = setInterval(() => {
    const shot = shoot()
    underWay.add(shot)
    void shot.finally(() => underWay.delete(shot))
  }, 1000 / perSecond)
  return {
    shots,
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      return shots
    },
  }
}

/** What took longer was held up: a busy machine alone takes a second or two. */
const usualMs = 5000

/**
 * How long after an instant accesses at a custodian went as usual again, for good: until the first one was answered that was
 * sent after the last that failed or was held up. 0 when none did, undefined when the last one did.
 */
export function recoveryMs(shots: readonly Shot[], since: number, custodian: string): number | undefined {
  const own = shots
    .filter((shot) => shot.custodian === custodian && shot.at >= since)
    .toSorted((one, other) => one.at - other.at)
  const last = own.findLastIndex(({ status, milliseconds }) => status !== 200 || milliseconds > usualMs)
  if (last < 0) return 0
  const first = own[last + 1]
  return first === undefined ? undefined : first.at + first.milliseconds - since
}
