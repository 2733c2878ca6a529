import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { LedgerHeight, LedgerStep } from './ledger/index.ts'

/**
 * What the monitoring may know. Whoever reads it learns how much a gateway has to do and how well it goes, and nothing
 * of a single person: no label comes from a request, and an answer to a permitted and to a refused access count as one.
 */
export interface Metrics {
  request(request: {
    readonly method: string
    /** The route's pattern, never the address. */
    readonly route: string
    readonly status: number
    readonly seconds: number
  }): void
  step(step: LedgerStep): void
  /** Why a token was refused is for nobody to count: an attacker could learn what he got right. */
  token(verdict: 'accepted' | 'refused'): void
  /** Another gateway has been answered: with documents, or that there are none. */
  release(): void
  limited(limit: string): void
  /** A list has been answered: from the projection, or by a peer where that could not. */
  list(source: 'projection' | 'peer'): void
  /** Everything in the text format of Prometheus. */
  text(): Promise<string>
  readonly contentType: string
}

/** What is looked up whenever somebody asks. */
export interface Gauges {
  readonly height: () => LedgerHeight
  /** Requests that have been noted or sent, and whose outcome the ledger has not told yet. */
  readonly outboxPending: () => Promise<number>
  /** Of the projection: how many blocks it has in it, whether it goes on, and how many values its peer has not had yet. */
  readonly projection: () => { readonly blocks: number; readonly works: boolean }
  readonly projectionMissing: () => Promise<number>
}

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** As in the log: whether somebody was given or refused what she asked for is hers to know. */
export const isAnswer = (status: number): boolean => status === 200 || status === 403

const classOf = (status: number): string => (isAnswer(status) ? 'answered' : `${Math.floor(status / 100)}xx`)

const timed: ReadonlySet<string> = new Set<LedgerStep['step']>(['endorse', 'order', 'commit'])

export function createMetrics(organisation: string): Metrics & { watch(gauges: Gauges): void } {
  const registry = new Registry()
  registry.setDefaultLabels({ organisation })
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Histogram({
    name: 'medledger_http_request_duration_seconds',
    help: 'Time to answer a request; 200 and 403 count as answered.',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers,
  })
  const steps = new Histogram({
    name: 'medledger_ledger_step_duration_seconds',
    help: 'Time of a step of a transaction on its way to the ledger, by outcome.',
    labelNames: ['step', 'outcome'],
    buckets,
    registers,
  })
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> =>
    new Counter({ name, help, labelNames, registers })
  const invalid = counter(
    'medledger_invalid_transactions_total',
    'Own transactions that the ledger marked invalid, by validation code.',
    ['code'],
  )
  const tokens = counter('medledger_tokens_total', 'Access tokens by verdict.', ['verdict'])
  const releases = counter('medledger_releases_total', "Other gateways' requests that were answered.", [])
  const limited = counter('medledger_limited_total', 'Requests answered 429 or 503 by a limit.', ['limit'])
  const lists = counter(
    'medledger_lists_total',
    'Lists and pages of the log by who answered: the projection, or a peer where it could not.',
    ['source'],
  )
  return {
    request: ({ method, route, status, seconds }) =>
      requests.observe({ method, route, status: classOf(status) }, seconds),
    step({ step, outcome, milliseconds }) {
      if (timed.has(step)) steps.observe({ step, outcome }, milliseconds / 1000)
      if (step === 'commit' && outcome !== 'VALID' && outcome !== 'unknown') invalid.inc({ code: outcome })
    },
    token: (verdict) => tokens.inc({ verdict }),
    release: () => releases.inc(),
    limited: (limit) => limited.inc({ limit }),
    list: (source) => lists.inc({ source }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    watch: (gauges) => watch(gauges, registers),
  }
}

function watch(gauges: Gauges, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number | Promise<number>): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        // What cannot be told now keeps nobody from learning the rest.
        this.set(await Promise.resolve(read()).catch(() => Number.NaN))
      },
    })
  const { height, outboxPending, projection, projectionMissing } = gauges
  gauge('medledger_ledger_blocks', 'Blocks that the own peer has delivered.', () => height().blocks)
  gauge('medledger_ledger_connected', 'Whether the stream of blocks is up: 0 or 1.', () =>
    height().connected ? 1 : 0,
  )
  gauge(
    'medledger_outbox_pending',
    'Requests whose outcome the ledger has not told yet, release entries included.',
    outboxPending,
  )
  gauge('medledger_projection_blocks', 'Blocks that the projection has in it.', () => projection().blocks)
  gauge('medledger_projection_works', 'Whether the projection goes on: 0 when it has stopped for good.', () =>
    projection().works ? 1 : 0,
  )
  gauge(
    'medledger_projection_missing_values',
    'Current private values that the own peer has not had yet.',
    projectionMissing,
  )
}
