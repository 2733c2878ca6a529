import { testPort } from '../support/ports.ts'
import type { TestProject } from 'vitest/node'
import { startNetwork } from '../support/start-network.ts'

export default (project: TestProject): Promise<() => Promise<void>> =>
  startNetwork(project, 'narrow', testPort(240))
