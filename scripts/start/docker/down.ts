import { docker } from '../../network/docker/compose.ts'
import { resetDirectory, takeDirectory } from '../directory.ts'
import { removeInstance } from '../instance.ts'
import type { DockerNetwork } from './open.ts'

/** Stops and removes the containers. With `volumes` also the ledgers, the databases and what the data directory holds. */
export async function networkDown({ compose, paths }: DockerNetwork, volumes: boolean): Promise<void> {
  const lock = await takeDirectory(paths)
  try {
    const had = volumes ? await compose.volumes() : []
    await compose.run([
      '--profile',
      'operator',
      'down',
      '--remove-orphans',
      ...(volumes ? ['--volumes'] : []),
    ])
    // Compose 1.29 forgets those without a name whose container has been made anew.
    const left = new Set((await docker(['volume', 'ls', '--quiet'])).split('\n'))
    const forgotten = had.filter((name) => left.has(name))
    if (forgotten.length > 0) await docker(['volume', 'rm', ...forgotten])
    await removeInstance(paths)
    if (volumes) await resetDirectory(paths)
  } finally {
    lock.release()
  }
}
