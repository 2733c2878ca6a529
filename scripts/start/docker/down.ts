import { resetDirectory, takeDirectory } from '../directory.ts'
import { removeInstance } from '../instance.ts'
import type { DockerNetwork } from './open.ts'

/** Stops and removes the containers. With `volumes` also the ledgers, the databases and what the data directory holds. */
export async function networkDown({ compose, paths }: DockerNetwork, volumes: boolean): Promise<void> {
  const lock = await takeDirectory(paths)
  try {
    await compose.run([
      '--profile',
      'operator',
      'down',
      '--remove-orphans',
      ...(volumes ? ['--volumes'] : []),
    ])
    await removeInstance(paths)
    if (volumes) await resetDirectory(paths)
  } finally {
    lock.release()
  }
}
