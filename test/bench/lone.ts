import { inTurn } from './patients.ts'
import { median, quantile } from './statistics.ts'
import { requestAccess, type Bench } from './work.ts'

/** Milliseconds that half and all but five of a hundred take at most. */
export interface Spread {
  readonly p50Ms: number
  readonly p95Ms: number
}

/** One access at a time, and the steps that it consists of. */
export interface LoneAccess {
  readonly whole: Spread
  readonly steps: Readonly<Record<string, Spread>>
}

const steps = ['endorse', 'order', 'commit'] as const

const spreadOf = (values: readonly number[]): Spread => ({
  p50Ms: median(values),
  p95Ms: quantile(values, 0.95),
})

/** Makes so many accesses, one after another, after a tenth as many that do not count. */
export async function measureLone({ instance, patients }: Bench, count: number): Promise<LoneAccess> {
  const next = inTurn(patients)
  const whole: number[] = []
  const times = new Map<string, number[]>(steps.map((step) => [step, []]))
  for (let made = -count / 10; made < count; made += 1) {
    if (made >= 0) instance.listen(({ step, milliseconds }) => void times.get(step)?.push(milliseconds))
    const began = performance.now()
    await requestAccess(instance, next().documents)
    if (made >= 0) whole.push(performance.now() - began)
  }
  instance.listen(() => {})
  return {
    whole: spreadOf(whole),
    steps: Object.fromEntries([...times].map(([step, values]) => [step, spreadOf(values)])),
  }
}

/**
 * The embedded orderer cuts a block at once while none is being written, so the block timeout is no part of a lone
 * access: an orderer that waits for it adds it to `commit`.
 */
export function renderLone({ whole, steps }: LoneAccess, blockTimeoutMs: number): string {
  const text = ({ p50Ms, p95Ms }: Spread): string => `p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms`
  const parts = Object.entries(steps).map(([step, spread]) => `${step} ${text(spread)}`)
  return (
    `Lone access by the ledger port: ${text(whole)} (${parts.join('; ')}). The block timeout of ` +
    `${blockTimeoutMs} ms is not waited for and not in it.`
  )
}
