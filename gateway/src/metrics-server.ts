import { createServer, type Server } from 'node:http'
import type { Metrics } from './metrics.ts'

const loopback = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/

/**
 * Serves `/metrics` at a port of its own, so that what faces people cannot be asked for it whatever stands in front of
 * the gateway.
 */
export function createMetricsServer(metrics: Pick<Metrics, 'text' | 'contentType'>): Server {
  return createServer((request, response) => {
    request.resume()
    // A page whose name was rebound to the loopback address sends its own name.
    if (!loopback.test(request.headers.host ?? '')) {
      response.writeHead(421).end()
      return
    }
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
}
