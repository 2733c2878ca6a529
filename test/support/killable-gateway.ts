import { readConfig } from '../../gateway/src/config/index.ts'
import { startGateway } from '../../gateway/src/gateway.ts'
import type { Observe } from '../../gateway/src/ledger/index.ts'
import { createLog } from '../../gateway/src/log.ts'

/*
 * A gateway as a process that can be told at which of its steps to kill itself, as `kill -9` would: nothing that it
 * has not done by then will be done. It tells its parent each step that it takes.
 */

interface Order {
  /** The step, as {@link labelOf} names it, and which one of them; none takes an earlier order back. */
  readonly kill?: { readonly label: string; readonly occurrence: number }
}

process.umask(0o077)

let left = 0
let label: string | undefined

const observe: Observe = ({ step, name }) => {
  const taken = `${step} ${name}`
  if (taken === label) {
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  }
  process.send?.({ type: 'step', label: taken }, undefined, undefined, () => undefined)
}

process.on('message', ({ kill }: Order) => {
  label = kill?.label
  left = kill?.occurrence ?? 0
  process.send?.({ type: 'armed' })
})
process.once('disconnect', () => process.exit(0))

const config = readConfig(process.env)
await startGateway(config, createLog(config.organisation.name), observe)
process.send?.({ type: 'ready' })
