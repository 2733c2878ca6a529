import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createMetricsServer } from '../../gateway/src/metrics-server.ts'
import { createMetrics } from '../../gateway/src/metrics.ts'
import { depositAt, depositOf, grantAt, testNetwork } from '../support/gateway-network.ts'
import { doctorActor } from '../support/ledger-samples.ts'

/** What a monitoring reads, without times and the process's own. */
const countsIn = (text: string): string[] =>
  text
    .replaceAll(/,organisation="north"|organisation="north",/g, '')
    .split('\n')
    .filter((line) => /^medledger_\w+(_total|_count)\{/.test(line))

const stepOf = (step: 'endorse' | 'order' | 'commit', outcome: string) =>
  ({ step, name: 'RequestAccess', outcome, milliseconds: 20 }) as const

describe('the metrics', () => {
  test('time requests by route and class of status, without addresses or made-up methods', async () => {
    const metrics = createMetrics('north')
    const { gateways } = await testNetwork(undefined, { metrics })
    const { app } = gateways.north
    await app.inject('/fhir/Bundle/north-lindqvist')
    await app.inject({ url: '/lindqvist', method: 'PROPFIND' as 'GET' })
    const text = await metrics.text()
    expect(text).not.toContain('lindqvist')
    expect(countsIn(text)).toContain(
      'medledger_http_request_duration_seconds_count{method="GET",route="/fhir/Bundle/:id",status="4xx"} 1',
    )
    expect(text).toContain('method="any",route="none",status="4xx"')
  })

  test('do not tell a permitted access from a refused one', async () => {
    const countsOf = async (isPermitted: boolean): Promise<string[]> => {
      const metrics = createMetrics('north')
      const network = await testNetwork(undefined, { metrics })
      const [document = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
      await grantAt(network, 'maria', {
        type: isPermitted ? 'permit' : 'deny',
        actor: [doctorActor('dr.chen')],
      })
      const { statusCode } = await network.send('dr.chen', { url: `/fhir/Bundle/${document}` })
      expect(statusCode).toBe(isPermitted ? 200 : 403)
      return countsIn(await metrics.text())
    }
    expect(await countsOf(true)).toEqual(await countsOf(false))
  })

  test('time endorsing, ordering and committing by outcome, and count invalid transactions by code', async () => {
    const metrics = createMetrics('north')
    metrics.step(stepOf('endorse', 'endorsed'))
    metrics.step(stepOf('endorse', 'LEDGER_UNAVAILABLE'))
    metrics.step(stepOf('order', 'accepted'))
    metrics.step(stepOf('commit', 'VALID'))
    metrics.step(stepOf('commit', 'MVCC_READ_CONFLICT'))
    metrics.step(stepOf('commit', 'unknown'))
    const counts = countsIn(await metrics.text())
    for (const [step, outcome] of [
      ['endorse', 'endorsed'],
      ['endorse', 'LEDGER_UNAVAILABLE'],
      ['order', 'accepted'],
      ['commit', 'VALID'],
      ['commit', 'unknown'],
    ])
      expect(counts).toContain(
        `medledger_ledger_step_duration_seconds_count{step="${step}",outcome="${outcome}"} 1`,
      )
    expect(counts.filter((line) => line.startsWith('medledger_invalid'))).toEqual([
      'medledger_invalid_transactions_total{code="MVCC_READ_CONFLICT"} 1',
    ])
  })

  test('show the ledger’s height, its connection, the outbox and the projection as they are now', async () => {
    const metrics = createMetrics('north')
    let connected = true
    let works = true
    metrics.watch({
      height: () => ({ blocks: 7, connected }),
      outboxPending: async () => 3,
      projection: () => ({ blocks: 6, works }),
      projectionMissing: async () => 2,
    })
    const shown = async (): Promise<string[]> =>
      (await metrics.text())
        .split('\n')
        .filter((line) => /^medledger_(ledger|outbox|projection)_\w+\{organisation="north"\} /.test(line))
        .map((line) => line.replace('{organisation="north"}', ''))
    expect(await shown()).toEqual([
      'medledger_ledger_blocks 7',
      'medledger_ledger_connected 1',
      'medledger_outbox_pending 3',
      'medledger_projection_blocks 6',
      'medledger_projection_works 1',
      'medledger_projection_missing_values 2',
    ])
    connected = false
    works = false
    expect(await shown()).toEqual(
      expect.arrayContaining(['medledger_ledger_connected 0', 'medledger_projection_works 0']),
    )
    const first = await metrics.text()
    expect(first).toContain('process_cpu_seconds_total')
  })

  test('show the rest when the outbox cannot be counted', async () => {
    const metrics = createMetrics('north')
    const outboxPending = async (): Promise<number> => {
      throw new Error('the database is away')
    }
    metrics.watch({
      height: () => ({ blocks: 7, connected: true }),
      outboxPending,
      projection: () => ({ blocks: 7, works: true }),
      projectionMissing: outboxPending,
    })
    metrics.list('projection')
    const text = await metrics.text()
    expect(countsIn(text)).toContain('medledger_lists_total{source="projection"} 1')
    expect(text).toContain('medledger_ledger_blocks{organisation="north"} 7')
    expect(text).toMatch(/^medledger_outbox_pending\{organisation="north"\} nan$/im)
  })

  test('are served at their own port, and nothing else is', async () => {
    const metrics = createMetrics('north')
    const server = createMetricsServer(metrics)
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve())
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const answer = await fetch(`${url}/metrics`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, metrics.contentType])
    expect(await answer.text()).toContain('medledger_releases_total')
    expect((await fetch(`${url}/healthz`)).status).toBe(404)
    const { port } = server.address() as AddressInfo
    const rebound = await new Promise((resolve) => {
      const headers = { host: 'rebound.example' }
      get({ host: '127.0.0.1', port, path: '/metrics', headers }, (response) => {
        resolve(response.statusCode)
        response.resume()
      })
    })
    expect(rebound).toBe(421)
    expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status).toBe(404)
    server.close()
    server.closeAllConnections()
    const { gateways } = await testNetwork(undefined, { metrics })
    expect((await gateways.north.app.inject('/metrics')).statusCode).toBe(404)
  })
})
