import type { FastifyInstance } from 'fastify'

/**
 * Closes a server: it accepts no connection any more, what is under way may end within `withinMs`, and what then still
 * hangs is cut off.
 */
export async function closeServer(app: FastifyInstance, withinMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), withinMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}
