import { resolve } from 'node:path'
import type { Constitution } from 'medledger-chaincode/api'
import { readIfPresent, readPeople, type DevelopmentPerson } from '../development/index.ts'
import { NoToken, requestDevelopmentToken } from '../identity-provider/index.ts'
import { readInstance, type Instance } from '../start/instance.ts'
import { defaultDirectory, defaultNetworkDirectory, pathsIn, type Paths } from '../start/paths.ts'
import { exitCodes, Failure } from './exit-codes.ts'
import { gatewayClient, type GatewayClient } from './gateway-client.ts'

/** A running instance as a command sees it: its people, tokens for them, and their gateways. */
export interface Session {
  readonly paths: Paths
  readonly instance: Instance
  readonly people: readonly DevelopmentPerson[]
  /** Somebody by user name. Errors: exit 2 with where to find the names. */
  person(user: string): DevelopmentPerson
  /** A patient's handle, from her user name or the handle itself. Errors: exit 2. */
  patientHandle(userOrHandle: string): string
  /** A fresh token; for the own organisation's gateway unless another is named. */
  token(person: DevelopmentPerson, at?: string): Promise<string>
  /** The gateway of the person's own organisation, or of another one, with her token. */
  gatewayFor(person: DevelopmentPerson, at?: string): GatewayClient
}

const hint = 'see `medledger people`'

/** What to type so that there is an instance where this command looked: npm takes options only after `--`. */
function startOn(data: string): string {
  const root = resolve(data)
  if (root === resolve(defaultNetworkDirectory)) return 'npm run --silent medledger -- network up'
  return root === resolve(defaultDirectory) ? 'npm start' : `npm start -- --data ${root}`
}

/** Errors: exit 5 when no instance runs on the directory. */
export async function requireInstance(
  data: string,
): Promise<{ readonly paths: Paths; readonly instance: Instance }> {
  const paths = pathsIn(resolve(data))
  const instance = await readInstance(paths)
  if (instance === undefined)
    throw new Failure(
      exitCodes.unavailable,
      `No instance runs on ${paths.root}: start one with ${startOn(data)}.`,
    )
  return { paths, instance }
}

/** Opens a session on the instance of a data directory. Errors: exit 5 when none runs. */
export async function openSession(data: string): Promise<Session> {
  const { paths, instance } = await requireInstance(data)
  const people = await readPeople(paths.people)
  if (people === undefined)
    throw new Failure(exitCodes.error, `${paths.people} is missing: start the instance again.`)
  const { constitution } = instance.topology
  const organisation = (name: string): { readonly audience: string; readonly url: string } => {
    const audience = constitution.organisations.find((candidate) => candidate.name === name)?.audience
    const url = instance.gateways.find((gateway) => gateway.organisation === name)?.url
    if (audience !== undefined && url !== undefined) return { audience, url }
    const known = constitution.organisations.map((candidate) => candidate.name).join(', ')
    throw new Failure(exitCodes.badInput, `There is no organisation ${name}; there are: ${known}.`)
  }
  const token = async (person: DevelopmentPerson, at?: string): Promise<string> => {
    const { audience } = organisation(at ?? person.organisation)
    const issuer = issuerOf(constitution, person)
    const secret = await readIfPresent(paths.developmentSecret)
    if (secret === undefined) throw new Failure(exitCodes.error, `${paths.developmentSecret} is missing.`)
    return requestDevelopmentToken({ issuer, user: person.user, audience, secret: secret.trim() }).catch(
      toFailure,
    )
  }
  const person = (user: string): DevelopmentPerson => {
    const found = people.find((candidate) => candidate.user === user)
    if (found === undefined) throw new Failure(exitCodes.badInput, `There is no user ${user}: ${hint}.`)
    return found
  }
  return {
    paths,
    instance,
    people,
    person,
    patientHandle: (userOrHandle) => patientHandle(people, userOrHandle),
    token,
    gatewayFor: (person, at) =>
      gatewayClient(organisation(at ?? person.organisation).url, () => token(person, at)),
  }
}

function issuerOf({ issuers }: Constitution, { organisation, role }: DevelopmentPerson): string {
  const found = issuers.find((issuer) => issuer.organisation === organisation && issuer.roles.includes(role))
  if (found !== undefined) return found.issuer
  throw new Failure(exitCodes.error, `No identity provider of ${organisation} may assert ${role}.`)
}

function toFailure(error: unknown): never {
  if (!(error instanceof NoToken)) throw error
  const isBusy = error.code === undefined || error.code === 'temporarily_unavailable'
  throw new Failure(isBusy ? exitCodes.unavailable : exitCodes.refused, error.message, { cause: error })
}

function patientHandle(people: readonly DevelopmentPerson[], userOrHandle: string): string {
  const found = people.find(({ user }) => user === userOrHandle)
  if (found?.role === 'patient') return found.handle
  if (found !== undefined) throw new Failure(exitCodes.badInput, `${userOrHandle} is no patient: ${hint}.`)
  if (/^[0-9a-f]{32}$/.test(userOrHandle)) return userOrHandle
  throw new Failure(exitCodes.badInput, `There is no patient ${userOrHandle}: ${hint}.`)
}
