import { rm } from 'node:fs/promises'
import { check, Constitution } from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import { parseFile, readIfPresent, replaceFile, toText } from '../development/index.ts'
import { isAlive } from './alive.ts'
import type { Paths } from './paths.ts'

const addresses = {
  topology: Type.Object({ constitution: Constitution, firstPort: Type.Integer() }),
  gateways: Type.Array(Type.Object({ organisation: Type.String(), url: Type.String() })),
}

const EmbeddedInstance = Type.Object({
  network: Type.Literal('embedded'),
  /** Process of the supervisor. */
  pid: Type.Integer({ minimum: 1 }),
  /** Path of its control socket. */
  control: Type.String({ minLength: 1 }),
  ...addresses,
  parts: Type.Array(Type.Object({ name: Type.String(), pid: Type.Optional(Type.Integer()) })),
})
export type EmbeddedInstance = Static<typeof EmbeddedInstance>

/** Its containers say what runs. */
const DockerInstance = Type.Object({ network: Type.Literal('docker'), ...addresses })

/** What a running instance says about itself, for the command line to find it. */
const Instance = Type.Union([EmbeddedInstance, DockerInstance])
export type Instance = Static<typeof Instance>

export const writeInstance = ({ instance }: Paths, value: Instance): Promise<void> =>
  replaceFile(instance, toText(value))

export const removeInstance = ({ instance }: Paths): Promise<void> => rm(instance, { force: true })

/** The instance that runs on a data directory, or undefined. A record left behind by a crash does not count. */
export async function readInstance({ instance }: Paths): Promise<Instance | undefined> {
  const text = await readIfPresent(instance)
  if (text === undefined) return undefined
  try {
    const found = check(Instance, parseFile(instance, text), 'instance record')
    return found.network === 'docker' || isAlive(found.pid) ? found : undefined
  } catch {
    throw new Error(`${instance} is damaged: start the instance again.`)
  }
}
