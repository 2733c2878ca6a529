import { readConfig } from './config/index.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { createLog } from './log.ts'

const closeWithinMs = 4000

// Databases and their side files are for this user alone.
process.umask(0o077)

/** Starts the gateway that the environment describes, and stops it on a signal or when its starter is gone. */
async function main(): Promise<void> {
  const config = readConfig(process.env)
  const log = createLog(config.organisation.name)
  const gateway = await startGateway(config, log)
  const stop = once(() => close(gateway))
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('disconnect', stop)
  process.send?.({ type: 'ready' })
}

function close(gateway: Gateway): void {
  setTimeout(() => process.exit(0), closeWithinMs).unref()
  gateway.close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    action()
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
