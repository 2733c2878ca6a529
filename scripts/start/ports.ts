import { createServer } from 'node:net'

/** Whether nothing listens at a port of the loopback interface. */
function isFree(port: number): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') resolve(false)
    else
      reject(
        new Error(`Port ${port} cannot be used (${error.code ?? 'unknown reason'}): choose another --port.`),
      )
  })
  server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
    server.close(() => resolve(true))
  })
  return promise
}

/** The highest port there is. */
export const highestPort = 65_535

/** Errors: one line that names the first port that is taken, and the remedy. */
export async function requireFreePorts(ports: readonly number[]): Promise<void> {
  const free = await Promise.all(ports.map(isFree))
  const taken = ports.find((_port, index) => free[index] === false)
  if (taken === undefined) return
  throw new Error(
    `Port ${taken} is taken by another program; ports ${ports[0]} to ${ports.at(-1)} are needed. ` +
      'Choose the first of another block with --port.',
  )
}
