import { readConfig } from './config/index.ts'
import { startGateway, type Gateway } from './gateway.ts'
import { createLog, type Log } from './log.ts'

// Databases and their side files are for this user alone.
process.umask(0o077)

/** Starts the gateway that the environment describes, and stops it on a signal or when its starter is gone. */
async function main(): Promise<void> {
  const config = readConfig(process.env)
  const log = createLog(config.organisation.name)
  const gateway = await startGateway(config, log)
  const stop = once(() => close(gateway, log, config.stopWithinMs))
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('disconnect', stop)
  process.send?.({ type: 'ready' })
}

/** Whatever hangs at the deadline is left: what matters has been written before it was answered. */
function close(gateway: Gateway, log: Log, withinMs: number): void {
  const end = (outcome: string, code: number): void => {
    log.event('stopped', { outcome })
    process.exit(code)
  }
  setTimeout(() => end('deadline', 0), withinMs).unref()
  gateway.close(withinMs).then(
    () => end('complete', 0),
    (error: unknown) => {
      log.fault('stop', error)
      end('fault', 1)
    },
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
