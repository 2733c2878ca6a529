import { accessHandlers } from './access.ts'
import { channelHandlers } from './channel.ts'
import { consentHandlers } from './consent.ts'
import { documentHandlers } from './documents.ts'
import { explainHandlers } from './explain.ts'
import type { EvaluateHandlers, SubmitHandlers } from './handlers.ts'
import { logHandlers } from './log.ts'
import { registryHandlers } from './registry.ts'
import { replayHandlers } from './replay.ts'
import { simulateHandlers } from './simulate.ts'

export type { EvaluateHandlers, SubmitHandlers } from './handlers.ts'

/** One handler for every transaction; a missing one does not compile. */
export const handlers: SubmitHandlers & EvaluateHandlers = {
  ...channelHandlers,
  ...registryHandlers,
  ...consentHandlers,
  ...documentHandlers,
  ...accessHandlers,
  ...logHandlers,
  ...replayHandlers,
  ...explainHandlers,
  ...simulateHandlers,
}
