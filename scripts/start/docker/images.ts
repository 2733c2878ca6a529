import { docker } from '../../network/docker/compose.ts'
import { readServices } from './file.ts'
import type { DockerNetwork } from './open.ts'
import type { Progress } from './steps.ts'

async function isPresent(image: string): Promise<boolean> {
  try {
    await docker(['image', 'inspect', '--format', '{{.Id}}', image])
    return true
  } catch {
    return false
  }
}

/**
 * Pulls the images of the file that are others' and not on this machine. Errors: one line that names the image that cannot be
 * had.
 */
export async function provideForeignImages(progress: Progress): Promise<void> {
  const all = [...(await readServices())]
  const own = new Set(all.filter(([, { build }]) => build !== undefined).map(([, { image }]) => image))
  const foreign = new Set(all.map(([, { image }]) => image).filter((image) => !own.has(image)))
  for (const image of foreign) {
    if (await isPresent(image)) continue
    progress(`pulling ${image}`)
    await docker(['pull', '--quiet', image]).catch((error: unknown) => {
      const { message } = error as Error
      throw new Error(`the image ${image} is not on this machine and cannot be pulled (${message})`, {
        cause: error,
      })
    })
  }
}

/** Pulls what is missing and builds ours, each once. Errors: one line that names what cannot be had. */
export async function provideImages({ compose }: DockerNetwork, progress: Progress): Promise<void> {
  await provideForeignImages(progress)
  const built = new Set<string>()
  for (const [name, { image, build }] of await readServices()) {
    if (build === undefined || built.has(image)) continue
    built.add(image)
    progress(`building ${image}`)
    await compose.run(['build', name])
  }
}
