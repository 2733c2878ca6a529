import { openDockerNetwork } from '../../scripts/start/docker/open.ts'
import { docker } from '../../scripts/network/docker/compose.ts'

/** The id of a service's container in the network of a data directory. Errors: when there is none. */
export async function containerOf(data: string, service: string): Promise<string> {
  return (await openDockerNetwork(data)).compose.container(service)
}

/** Ends a container's processes with SIGKILL, all but the first, which then ends by itself: Docker starts it again. */
export async function crashContainer(data: string, service: string): Promise<void> {
  const id = await containerOf(data, service)
  // The shell that does it is spared as the one that calls, and ends with its container.
  await docker(['exec', id, 'bash', '-c', 'kill -9 -1']).catch(() => undefined)
}
