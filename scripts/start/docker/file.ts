import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { repository } from './open.ts'

/** A service of `docker-compose.yml`, as far as anybody here asks. */
export interface Service {
  readonly image: string
  /** Present when its image is made from this repository. */
  readonly build?: object
}

/** A value of the file with its variables put in, as Compose does it: `${NAME:-default}`. */
export const substitute = (text: string, environment: NodeJS.ProcessEnv): string =>
  text.replaceAll(/\$\{([A-Z_]+):-([^}]*)\}/g, (_whole, name: string, otherwise: string) => {
    const value = environment[name] ?? ''
    return value === '' ? otherwise : value
  })

/** The services of the file, by name. */
export async function readServices(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ReadonlyMap<string, Service>> {
  const text = await readFile(join(repository, 'docker-compose.yml'), 'utf8')
  const { services } = parse(text, { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>
  }
  return new Map(
    Object.entries(services).map(([name, service]) => [
      name,
      { ...service, image: substitute(service.image, environment) },
    ]),
  )
}
