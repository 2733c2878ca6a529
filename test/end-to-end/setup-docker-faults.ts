import type { TestProject } from 'vitest/node'
import { testPort } from '../support/ports.ts'
import { startDockerNetwork } from '../support/start-docker-network.ts'

export default (project: TestProject): Promise<() => Promise<void>> =>
  startDockerNetwork(project, 'demo', testPort(480))
